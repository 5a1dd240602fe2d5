/**
 * A ring of byte records from one thread to another, in shared memory: one writes, one reads, nobody waits.
 *
 * Use it for a stream between two threads. Whatever more than one thread writes or reads needs a ring for each pair.
 *
 * - **Records**: of any length, in the order written, each whole or not at all. One of up to a quarter of the ring lies
 *   in it; a longer one in a block of its own, which `consume` frees, and the ring has its address.
 * - **Batches**: `write` is seen by nobody. `publish` shows all that was written before, by one store.
 * - **Doorbells** are not rung here. Writer: when `publish` has returned true, look whether the reader sleeps, and ring
 *   if so. Reader: say that you sleep, then look whether the ring `isEmpty` once more, and only then sleep. A writer that
 *   found it full likewise: say so, try again, sleep; the reader looks for that after `consume`.
 * - **Death of a thread**: of the writer: what was published can be read, nothing else. Then, and when the reader has died,
 *   `dispose` by a survivor frees the blocks of all records that nobody will read, each once. What was not published
 *   before its writer died is freed by `dispose` and by `BlockAllocator.reap`, in any order.
 * - **Cost**: `write` and `publish` an atomic operation each at most, `consume` one or two; a copy of the bytes; for a long
 *   record also that of a block.
 *
 * @example
 * ```text
 * ByteRing.format(words, address, 4096); // a block of ByteRing.wordsFor(4096) words
 * const writer = new ByteRing(words, address, blocks); // in one thread
 * writer.write(Uint8Array.of(1, 2, 3));
 * writer.publish();
 * const reader = new ByteRing(words, address, blocks); // in another
 * for (let record = reader.read(); record !== undefined; record = reader.read()) console.log(record);
 * ```
 */
// State: positions are words of the ring, from 0. Records lie from HEAD to TAIL, and HEAD is TAIL if there is none: so one
// word is always left over.
//
// | word     | who writes it   | means                                                                     |
// | -------- | --------------- | ------------------------------------------------------------------------- |
// | CAPACITY | `format`        | words in the ring                                                         |
// | TAIL     | writer          | where the published records end: the commit                               |
// | INTENT   | writer          | 0, or 1 + the TAIL to come, while blocks of records are made over to the ring |
// | HEAD     | reader          | where the record begins that is read next: what is before may be overwritten |
//
// A record: a word with its length and the bytes; or AWAY, the address of its block, and the length; or REST: nothing more
// up to the end of the ring, go on at 0. No record goes round the end.
//
// A block of a record is its writer's until `publish` has written INTENT; it then belongs to the ring, as its holder;
// after that comes TAIL. A reader frees it before it moves HEAD. Whoever is left, and whenever the others died, finds the
// address between HEAD and TAIL, or INTENT, and a compare-and-swap from "of this ring" to free frees it once: a block
// that was freed before belongs to somebody else by now, and never again to a ring whose writer is gone.
//
// Rejected: blocks that are simply shared. A writer that dies between sharing one and moving TAIL leaves a block that
// looks like any other: whether to free it would depend on whether the reaper came before. Rejected: records that go
// round the end. They save a quarter of the ring at most, and cannot be read in place.
import { Atomics } from '#atomics';
import type { BlockAllocator } from './blocks.ts';

/** The first word is left to whoever keeps the ring. What the two threads write is a cache line apart. */
const CAPACITY = 1;
const TAIL = 16;
const INTENT = 17;
const HEAD = 32;
const DATA = 48;

const REST = -1;
const AWAY = -2;
const AWAY_WORDS = 3;
/** A ring has at least so many words: a quarter has room for AWAY. */
const SMALLEST = 16;

/** `full`: once the reader has consumed some, there is room. `exhausted`: there is no block for so long a record. */
export type Written = 'written' | 'full' | 'exhausted';

export class ByteRing {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #address: number;
  readonly #data: number;
  readonly #capacity: number;
  readonly #blocks: BlockAllocator;

  /** The writer's: where it writes next, what it has published, where the reader was when it last looked. */
  #tail: number;
  #published: number;
  #seenHead: number;
  /** Blocks of records that are not published. */
  #pending: number[] = [];

  /** The reader's: where it reads next, and how far there was something when it last looked. */
  #head: number;
  #seenTail: number;
  /** The bytes of the record at `#head`. */
  #start = 0;
  #end = 0;

  /** How many words a ring of that many bytes needs. */
  static wordsFor(bytes: number): number {
    return DATA + Math.max(SMALLEST, Math.ceil(bytes / 4));
  }

  /** Makes a ring of `wordsFor(bytes)` words which are all 0. Once, before another thread knows the address. */
  static format(words: Int32Array, address: number, bytes: number): void {
    words[address + CAPACITY] = ByteRing.wordsFor(bytes) - DATA;
  }

  /**
   * One end of the ring at that address, or what a survivor needs for `dispose`. There is one writer and one reader at
   * a time; another thread may take over either end, but no record that was written and not published.
   * @param bytes the memory of `words`.
   */
  constructor(
    words: Int32Array,
    address: number,
    blocks: BlockAllocator,
    bytes: Uint8Array = new Uint8Array(words.buffer, words.byteOffset, words.byteLength),
  ) {
    this.#words = words;
    this.#bytes = bytes;
    this.#address = address;
    this.#data = address + DATA;
    this.#capacity = words[address + CAPACITY]!;
    this.#blocks = blocks;
    this.#tail = words[address + TAIL]!;
    this.#published = this.#tail;
    this.#head = words[address + HEAD]!;
    this.#seenHead = this.#head;
    this.#seenTail = this.#head;
  }

  /** Writer: adds a record behind those written before, for the next `publish`. Unless written, nothing has changed. */
  write(record: Uint8Array): Written {
    const size = 1 + Math.ceil(record.byteLength / 4);
    if (size > this.#capacity >> 2) return this.#writeAway(record, size);
    const at = this.#room(size);
    if (at === undefined) return 'full';
    const header = this.#data + at;
    this.#words[header] = record.byteLength;
    this.#bytes.set(record, 4 * (header + 1));
    this.#take(at, size);
    return 'written';
  }

  /** Writer: shows the reader all that was written. False if there is nothing new. */
  publish(): boolean {
    if (this.#published === this.#tail) return false;
    if (this.#pending.length > 0) this.#makeOver();
    Atomics.store(this.#words, this.#address + TAIL, this.#tail);
    this.#published = this.#tail;
    if (this.#pending.length > 0) {
      this.#pending = [];
      Atomics.store(this.#words, this.#address + INTENT, 0);
    }
    return true;
  }

  /** Reader: a copy of the next record, which is consumed; `undefined` if the ring is empty. */
  read(): Uint8Array | undefined {
    if (!this.#find()) return undefined;
    const copy = this.#bytes.slice(this.#start, this.#end);
    this.consume();
    return copy;
  }

  /** Reader: the next record where it lies, to be used before `consume`; `undefined` if the ring is empty. */
  peek(): Uint8Array | undefined {
    return this.#find() ? this.#bytes.subarray(this.#start, this.#end) : undefined;
  }

  /** Reader: makes room of the next record; no effect if the ring is empty. */
  consume(): void {
    if (!this.#find()) return;
    const header = this.#data + this.#head;
    // Before HEAD: a reader that dies between the two has freed it, and whoever disposes of the ring finds that out.
    if (this.#words[header] === AWAY) this.#blocks.free(this.#words[header + 1]!, this.#address);
    this.#head = this.#behind(this.#head);
    Atomics.store(this.#words, this.#address + HEAD, this.#head);
  }

  /** Whether there is nothing published that was not consumed. */
  isEmpty(): boolean {
    return (
      Atomics.load(this.#words, this.#address + HEAD) === Atomics.load(this.#words, this.#address + TAIL)
    );
  }

  /**
   * Frees the blocks of all records that were not consumed; returns how many. Neither end may be in use any more, but
   * by the caller. May be done by several threads at once, and again after one of them died over it; but not after the
   * memory of the ring was freed.
   */
  dispose(): number {
    let freed = 0;
    for (const block of this.#pending) if (this.#blocks.free(block)) freed++;
    this.#pending = [];
    const intent = Atomics.load(this.#words, this.#address + INTENT);
    const end = intent === 0 ? Atomics.load(this.#words, this.#address + TAIL) : intent - 1;
    let at = Atomics.load(this.#words, this.#address + HEAD);
    while (at !== end) {
      const header = this.#data + at;
      if (this.#words[header] === AWAY && this.#blocks.free(this.#words[header + 1]!, this.#address)) freed++;
      at = this.#behind(at);
    }
    return freed;
  }

  #writeAway(record: Uint8Array, size: number): Written {
    const at = this.#room(AWAY_WORDS);
    if (at === undefined) return 'full';
    // Its first word stays 0, lest somebody who looks over all blocks takes the bytes for something else.
    const block = this.#blocks.allocate(size, false);
    if (block === undefined) return 'exhausted';
    this.#bytes.set(record, 4 * (block + 1));
    this.#pending.push(block);
    const header = this.#data + at;
    this.#words[header] = AWAY;
    this.#words[header + 1] = block;
    this.#words[header + 2] = record.byteLength;
    this.#take(at, AWAY_WORDS);
    return 'written';
  }

  /** From here on the blocks of unpublished records are found by way of INTENT. */
  #makeOver(): void {
    Atomics.store(this.#words, this.#address + INTENT, this.#tail + 1);
    for (const block of this.#pending) this.#blocks.publish(block, this.#address);
  }

  /** Where there is room for a record of that many words. */
  #room(size: number): number | undefined {
    const at = this.#roomUpTo(this.#seenHead, size);
    if (at !== undefined) return at;
    this.#seenHead = Atomics.load(this.#words, this.#address + HEAD);
    return this.#roomUpTo(this.#seenHead, size);
  }

  #roomUpTo(head: number, size: number): number | undefined {
    const tail = this.#tail;
    if (tail < head) return tail + size < head ? tail : undefined;
    // The last word must not be taken if TAIL then was HEAD, at 0.
    if (tail + size < this.#capacity || (tail + size === this.#capacity && head > 0)) return tail;
    return size < head ? 0 : undefined;
  }

  #take(at: number, size: number): void {
    if (at !== this.#tail) this.#words[this.#data + this.#tail] = REST;
    this.#tail = (at + size) % this.#capacity;
  }

  /** Whether there is a record; it is at `#head` then. */
  #find(): boolean {
    if (this.#head === this.#seenTail) {
      this.#seenTail = Atomics.load(this.#words, this.#address + TAIL);
      if (this.#head === this.#seenTail) return false;
    }
    let header = this.#data + this.#head;
    if (this.#words[header] === REST) {
      this.#head = 0;
      header = this.#data;
    }
    const length = this.#words[header]!;
    const away = length === AWAY;
    this.#start = 4 * ((away ? this.#words[header + 1]! : header) + 1);
    this.#end = this.#start + (away ? this.#words[header + 2]! : length);
    return true;
  }

  /** Where the next record begins, or the ring ends. */
  #behind(at: number): number {
    const length = this.#words[this.#data + at]!;
    if (length === REST) return 0;
    return (at + (length === AWAY ? AWAY_WORDS : 1 + Math.ceil(length / 4))) % this.#capacity;
  }
}
