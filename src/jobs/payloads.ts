/** Values of jobs as words of shared memory: arguments, results, reasons, parts of results. */
import { Atomics } from '#atomics';
import { bufferOf, shareBuffer } from '../codec/buffer-ids.ts';
import { handleIn, ItemDecoder, ItemEncoder, serializeWire } from '../codec/item.ts';
import { buffersIn, mayUseBuffers, releaseBuffersIn } from '../codec/item-buffers.ts';
import { functionHooks } from '../codec/item-hooks.ts';
import { takeAway } from '../codec/transfers.ts';
import { releaseWire, type Wire } from '../codec/wire.ts';
import { HeddleError, SendError } from '../core/errors.ts';
import type { Heap } from '../memory/heap.ts';
import {
  FUNCTION,
  JOB_BYTES,
  JOB_PARCELS,
  JOB_RESULT,
  KIND,
  OBJECT,
  POOL_FUNCTIONS,
} from '../memory/layout.ts';
import type { Parking } from '../park/parking.ts';
import {
  dropParcels,
  FUNCTION_TIME,
  freeJob,
  makeJob,
  makePart,
  PART_BYTES,
  PART_NEXT,
  partPayloadOf,
  payloadOf,
  unpackParcels,
} from './job-block.ts';
import { bufferByMessage, isBufferHere, type SentBuffers } from './message-buffers.ts';

let kindsToLoad: (() => Promise<void> | undefined) | undefined;

/** Says how a thread gets to know all kinds of shared objects; gives `undefined` once it does. */
export function loadKindsBy(load: () => Promise<void> | undefined): void {
  kindsToLoad = load;
}

const SYNC = { sync: true } as const;

/** What makes and opens the values of jobs in this thread. */
export class Payloads {
  readonly #parking: Parking;
  readonly #heap: Heap;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #encoder: ItemEncoder;
  readonly #decoder: ItemDecoder;
  /** Gives the shared object with that index in the value that is being opened. */
  #open: (type: number, index: number) => unknown = () => undefined;

  /**
   * @param share gives a SharedArrayBuffer a number by which another thread finds it.
   * @param transfers what becomes of what is to be moved: it goes by a message beside, and is refused here; or it is taken
   * away once it was copied.
   */
  constructor(parking: Parking, share: (buffer: SharedArrayBuffer) => number, transfers: 'list' | 'refuse') {
    this.#parking = parking;
    this.#heap = parking.heap;
    this.#words = parking.heap.words;
    this.#bytes = new Uint8Array(this.#words.buffer);
    const functions = functionHooks();
    this.#encoder = new ItemEncoder({ ...functions, shareBuffer: share, transfers });
    this.#decoder = new ItemDecoder({
      ...functions,
      bufferOf: (id) => (id > 0 ? bufferOf(id) : bufferByMessage(id)),
      openParcel: (type, index) => this.#open(type, index),
    });
  }

  /**
   * A job of the pool `object` with these values, if they are simple; 0 if not.
   *
   * @throws HeddleError if the shared memory is full.
   */
  makeSimpleJob(object: number, values: readonly unknown[], flags: number): number {
    const size = this.#encoder.encodeList(values);
    if (size < 0) return 0;
    const job = makeJob(this.#heap, object, 4 * size, flags) ?? full(this.#heap);
    this.#encoder.copyTo(this.#words, this.#bytes, payloadOf(job));
    return job;
  }

  /** The wire of values, for `makeJobOfWire`. @throws SendError, CaptureError */
  wireOf(value: unknown, path: string): Wire<unknown> {
    return this.#encoder.wireOf(value, path);
  }

  /** Whether something in a wire that was made for a message can go by a message only. */
  isForMessageOnly(wire: Wire<unknown>): boolean {
    return this.#encoder.isForMessageOnly(wire);
  }

  /** The same of values of any kind, as a wire, which is released. @throws SendError for what bytes cannot carry; HeddleError */
  makeJobOfWire(object: number, wire: Wire<unknown>, path: string, flags: number): number {
    let job = 0;
    try {
      const bytes = serializeWire(wire, parcelsOf(wire), path);
      job = makeJob(this.#heap, object, bytes.length, flags) ?? full(this.#heap);
      takeAway(wire, path);
      this.#bytes.set(bytes, 4 * payloadOf(job));
      this.#pack(wire, job);
      return job;
    } catch (error) {
      if (job !== 0) freeJob(this.#heap, job);
      throw error;
    } finally {
      releaseWire(wire);
    }
  }

  /** Throws if bytes cannot carry the wire, with the path to what they cannot. @throws SendError */
  check(wire: Wire<unknown>, path: string): void {
    serializeWire(wire, parcelsOf(wire), path);
  }

  /** Whether all buffers that a job came with have come too. */
  buffersAreHere(job: number): boolean {
    return buffersIn(this.#words, payloadOf(job)).every((id) => id > 0 || isBufferHere(id));
  }

  /** The values that a job came with. A promise while a module must be loaded. Its memory is free then, for the result. */
  openArguments(job: number): unknown {
    const at = payloadOf(job);
    const values = this.#openWith(job, at, this.#words[job + JOB_BYTES]!, undefined);
    if (mayUseBuffers(this.#words, at)) {
      const release = (): void => releaseBuffersIn(this.#words, at);
      if (values instanceof Promise) values.then(release, release);
      else release();
    }
    return values;
  }

  /** The job will not be run: what is in its arguments is given back. */
  dropArguments(job: number): void {
    dropParcels(this.#heap, job);
    releaseBuffersIn(this.#words, payloadOf(job));
  }

  /**
   * Puts the result of a job, or its error, where its arguments were, or into a block that belongs to it.
   *
   * @throws SendError, CaptureError, HeddleError as `makeJobOfWire`; then there is no result.
   */
  setResult(job: number, value: unknown, path: string): void {
    const prepared = this.#encoder.prepare(value, path);
    if (typeof prepared === 'number') {
      this.#encoder.copyTo(this.#words, this.#bytes, this.#roomFor(job, 4 * prepared));
      return;
    }
    try {
      const bytes = serializeWire(prepared, parcelsOf(prepared), path);
      const at = this.#roomFor(job, bytes.length);
      takeAway(prepared, path);
      this.#bytes.set(bytes, 4 * at);
      this.#pack(prepared, job);
    } finally {
      releaseWire(prepared);
    }
  }

  /** The result of a job that has ended. A promise while a module must be loaded, and never if `sync`. */
  openResult(job: number, sync: boolean): unknown {
    const result = this.#words[job + JOB_RESULT]!;
    const at = result === 0 ? payloadOf(job) : partPayloadOf(result);
    const bytes = this.#words[result === 0 ? job + JOB_BYTES : result + PART_BYTES]!;
    return this.#openWith(job, at, bytes, sync ? SYNC : undefined);
  }

  /**
   * A block of this thread, to be made one of a job. @throws as `makeJobOfWire`; SendError if a shared object is inside, which
   * only the job itself can hold.
   */
  makePart(value: unknown, path: string): number {
    const prepared = this.#encoder.prepare(value, path);
    let bytes: Uint8Array | undefined;
    if (typeof prepared !== 'number') {
      try {
        if (prepared.handles !== undefined) throw new SendError(`${path} has a shared object inside`, path);
        bytes = serializeWire(prepared, [], path);
        takeAway(prepared, path);
      } finally {
        releaseWire(prepared);
      }
    }
    const length = bytes === undefined ? 4 * (prepared as number) : bytes.length;
    const part = makePart(this.#heap, length) ?? full(this.#heap);
    if (bytes === undefined) this.#encoder.copyTo(this.#words, this.#bytes, partPayloadOf(part));
    else this.#bytes.set(bytes, 4 * partPayloadOf(part));
    return part;
  }

  /**
   * The block of a function, which a pool knows by its address from now on; the same for all threads that submit it, or blocks
   * of those that died would fill the memory. @throws as `makeJobOfWire`
   */
  makeFunction(entry: unknown, pool: number): number {
    const words = this.#words;
    const { blocks } = this.#heap;
    const part = this.makePart(entry, 'function');
    words[part + FUNCTION_TIME] = 0;
    words[part + OBJECT] = pool;
    blocks.publish(part);
    words[part + KIND] = FUNCTION;
    // The list only grows, at its front: what was looked at once need not be looked at again.
    for (let seen = 0; ; ) {
      const first = Atomics.load(words, pool + POOL_FUNCTIONS);
      for (let known = first; known !== seen; known = words[known + PART_NEXT]!) {
        if (!this.#isSame(known, part)) continue;
        blocks.free(part);
        return known;
      }
      words[part + PART_NEXT] = first;
      if (Atomics.compareExchange(words, pool + POOL_FUNCTIONS, first, part) === first) return part;
      seen = first;
    }
  }

  /** Whether two blocks have the same value in them. */
  #isSame(one: number, other: number): boolean {
    const words = this.#words;
    const bytes = words[one + PART_BYTES]!;
    if (bytes !== words[other + PART_BYTES]) return false;
    const length = (bytes + 3) >> 2;
    const from = partPayloadOf(one);
    const to = partPayloadOf(other);
    for (let index = 0; index < length; index++) if (words[from + index] !== words[to + index]) return false;
    return true;
  }

  openPart(part: number, sync: boolean): unknown {
    const bytes = this.#words[part + PART_BYTES]!;
    return this.#decode(partPayloadOf(part), bytes, sync ? SYNC : undefined);
  }

  #openWith(
    job: number,
    at: number,
    bytes: number,
    options: { readonly sync?: boolean } | undefined,
  ): unknown {
    if (this.#words[job + JOB_PARCELS] !== 0) {
      const loading = options?.sync === true ? undefined : kindsToLoad?.();
      if (loading !== undefined) return loading.then(() => this.#openWith(job, at, bytes, options));
      const objects = unpackParcels(this.#parking, job);
      this.#open = (type, index) => handleIn(objects, type, index);
    }
    return this.#decode(at, bytes, options);
  }

  #decode(at: number, bytes: number, options: { readonly sync?: boolean } | undefined): unknown {
    return this.#decoder.decode(this.#words, this.#bytes, at, (bytes + 3) >> 2, options);
  }

  /** Where a result of so many bytes goes. */
  #roomFor(job: number, bytes: number): number {
    const words = this.#words;
    const { blocks } = this.#heap;
    const at = payloadOf(job);
    if (4 * (job + blocks.sizeOf(job) - at) >= bytes) {
      words[job + JOB_BYTES] = bytes;
      return at;
    }
    const part = makePart(this.#heap, bytes) ?? full(this.#heap);
    // Should this thread die between, it is freed as its own.
    words[job + JOB_RESULT] = part;
    blocks.publish(part, job);
    return partPayloadOf(part);
  }

  #pack(wire: Wire<unknown>, job: number): void {
    for (const special of wire.specials ?? [])
      if (special.kind === 'handle') this.#parking.handles.packInto(job, special.object, JOB_PARCELS);
  }
}

const all = new WeakMap<Parking, Payloads>();

/** The values of the thread that parks so. */
export function payloadsOf(parking: Parking): Payloads {
  let payloads = all.get(parking);
  if (payloads === undefined) {
    payloads = new Payloads(parking, shareBuffer, 'list');
    all.set(parking, payloads);
  }
  return payloads;
}

/** The same for who can send by a message what bytes cannot carry. */
export function payloadsBeside(parking: Parking, sent: SentBuffers): Payloads {
  return new Payloads(parking, (buffer) => sent.share(parking.heap, buffer), 'refuse');
}

function parcelsOf(wire: Wire<unknown>): number[] {
  return Array.from({ length: wire.handles?.length ?? 0 }, (_, index) => index);
}

function full(heap: Heap): never {
  const size = Math.round(heap.words.byteLength / 2 ** 20);
  throw new HeddleError(
    `Cannot submit job: the shared memory of this process (${size} MiB) is full; bound the pool by maxPending, and await results`,
  );
}
