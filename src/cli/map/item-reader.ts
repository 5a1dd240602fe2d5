/** Cuts sources of bytes into blocks of whole items, never reading further ahead than it is asked for. */
import type { Hash } from 'node:crypto';
import { CliError, systemReason } from '../cli-error.ts';
import { type Block, type ItemKind, isBlankBetween } from './block.ts';

/** Where items come from: a file, standard input, or a list of paths. */
export interface Source {
  /** For messages. */
  readonly name: string;
  open(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const EMPTY = Buffer.alloc(0);

/**
 * Reads items in order. A block ends right behind the separator of its last item, and blank lines in front of an item
 * belong to it: so the bytes of items `a` to `b` are the same however the input was cut.
 */
export class ItemReader {
  readonly #kind: ItemKind;
  readonly #separator: number;
  readonly #sources: Iterator<Source>;
  #source: Source | undefined;
  #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array> | undefined;
  // `#rest` is looked through from `#offset`; `#partial` holds what came before a first separator of a long item.
  #rest: Buffer = EMPTY;
  #offset = 0;
  #partial: Buffer[] = [];
  #line = 1;
  #next = 0;

  constructor(sources: Iterable<Source>, options: { itemKind: ItemKind; separator: number }) {
    this.#sources = sources[Symbol.iterator]();
    this.#kind = options.itemKind;
    this.#separator = options.separator;
  }

  /** The index of the next item. */
  get position(): number {
    return this.#next;
  }

  /** The next items, at most `max` and at most those already read, or undefined at the end. */
  async next(max: number): Promise<Block | undefined> {
    for (;;) {
      const block = this.#cut(max);
      if (block !== undefined) return block;
      if (!(await this.#read())) return undefined;
    }
  }

  /** Passes over `count` items, adding their bytes to `hash`; gives how many there were. */
  async skip(count: number, hash: Hash): Promise<{ readonly items: number; readonly bytes: number }> {
    let [items, bytes] = [0, 0];
    while (items < count) {
      const block = await this.next(count - items);
      if (block === undefined) break;
      hash.update(block.bytes);
      items += block.count;
      bytes += block.bytes.length;
    }
    return { items, bytes };
  }

  /** Lets go of the source that is open. */
  async close(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = undefined;
    await chunks?.return?.();
  }

  #cut(max: number): Block | undefined {
    const start = this.#offset;
    let [count, lines, end] = [0, 0, start];
    for (let [at, next] = [start, 0], passed = 1; count < max; at = next + 1, passed++) {
      next = this.#rest.indexOf(this.#separator, at);
      if (next < 0) break;
      if (this.#kind === 'json' && isBlankBetween(this.#rest, at, next)) continue;
      count++;
      [end, lines] = [next + 1, passed];
    }
    if (count === 0) return undefined;
    const block: Block = {
      bytes: ownBytes(this.#rest.subarray(start, end)),
      kind: this.#kind,
      separator: this.#separator,
      count,
      first: this.#next,
      file: this.#source?.name ?? '',
      line: this.#line,
    };
    this.#offset = end;
    this.#next += count;
    this.#line += lines;
    return block;
  }

  /** Gets more bytes, from the next source if one has ended; false once there are none. */
  async #read(): Promise<boolean> {
    if (this.#chunks === undefined) {
      const next = this.#sources.next();
      if (next.done === true) return false;
      this.#begin(next.value);
    }
    const step = await this.#pull();
    if (step.done !== true) {
      this.#append(step.value);
      return true;
    }
    this.#chunks = undefined;
    this.#finish();
    return true;
  }

  #begin(source: Source): void {
    this.#source = source;
    const opened = source.open();
    this.#chunks =
      Symbol.asyncIterator in opened ? opened[Symbol.asyncIterator]() : opened[Symbol.iterator]();
    this.#line = 1;
  }

  async #pull(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#chunks!.next();
    } catch (error) {
      throw new CliError(`Cannot read '${this.#source!.name}': ${systemReason(error)}`, { cause: error });
    }
  }

  #append(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const left = this.#rest.subarray(this.#offset);
    if (left.length > 0) this.#partial.push(left);
    this.#offset = 0;
    if (chunk.includes(this.#separator)) {
      this.#rest = this.#partial.length === 0 ? chunk : Buffer.concat([...this.#partial, chunk]);
      this.#partial = [];
      this.#dropByteOrderMark();
      return;
    }
    this.#rest = EMPTY;
    this.#partial.push(chunk);
  }

  /** The end of a source ends its last item; blank lines behind that are dropped. */
  #finish(): void {
    const left = this.#rest.subarray(this.#offset);
    const rest = Buffer.concat(left.length > 0 ? [...this.#partial, left] : this.#partial);
    this.#partial = [];
    this.#offset = 0;
    this.#rest = EMPTY;
    if (rest.length === 0 || (this.#kind === 'json' && isBlankBetween(rest, 0, rest.length))) return;
    this.#rest = Buffer.concat([rest, Buffer.of(this.#separator)]);
    this.#dropByteOrderMark();
  }

  #dropByteOrderMark(): void {
    const rest = this.#rest;
    if (this.#line !== 1 || rest[0] !== 0xef || rest[1] !== 0xbb || rest[2] !== 0xbf) return;
    this.#offset = 3;
  }
}

/** The same bytes if they are most of their buffer, else a copy: whoever sends bytes sends their whole buffer. */
function ownBytes(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength < 2 * bytes.byteLength
    ? new Uint8Array(buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}
