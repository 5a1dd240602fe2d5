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
 * In use:
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
// A record: its length, the address of its block or 0, and the bytes if they are not there; or REST: nothing more up to
// the end of the ring, go on at 0. No record goes round the end. Records and bytes begin at multiples of 8 bytes: into
// and out of shared memory, runtimes copy those five times as fast.
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

/** A record's first words. The length is REST where the ring goes on at its beginning. */
const LENGTH = 0;
const BLOCK = 1;
const BYTES = 2;
const REST = -1;
/** A ring has at least so many words. */
const SMALLEST = 16;
/** Runtimes copy so many bytes faster into an array of one's own than by `slice`. */
const LONG_COPY = 512;

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
    return DATA + 1 + even(Math.max(SMALLEST, Math.ceil(bytes / 4)));
  }

  /** Makes a ring of `wordsFor(bytes)` words which are all 0. Once, before another thread knows the address. */
  static format(words: Int32Array, address: number, bytes: number): void {
    words[address + CAPACITY] = ByteRing.wordsFor(bytes) - DATA - 1;
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
    this.#data = even(address + DATA);
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
    const size = sizeOf(record.byteLength);
    if (size > this.#capacity >> 2) return this.#writeAway(record);
    const at = this.#room(size);
    if (at === undefined) return 'full';
    this.#bytes.set(record, 4 * (this.#data + at + BYTES));
    this.#take(at, size, record.byteLength, 0);
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
    const copy = this.#copy();
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
    // Before HEAD: a reader that dies between the two has freed it, and whoever disposes of the ring finds that out.
    const block = this.#words[this.#data + this.#head + BLOCK]!;
    if (block !== 0) this.#blocks.free(block, this.#address);
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
      const block = this.#words[this.#data + at + BLOCK]!;
      if (block !== 0 && this.#blocks.free(block, this.#address)) freed++;
      at = this.#behind(at);
    }
    return freed;
  }

  #writeAway(record: Uint8Array): Written {
    const at = this.#room(BYTES);
    if (at === undefined) return 'full';
    const block = this.#blocks.allocate(sizeOf(record.byteLength), false);
    if (block === undefined) return 'exhausted';
    this.#bytes.set(record, startIn(block));
    this.#pending.push(block);
    this.#take(at, BYTES, record.byteLength, block);
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

  #take(at: number, size: number, length: number, block: number): void {
    if (at !== this.#tail) {
      this.#words[this.#data + this.#tail + LENGTH] = REST;
      this.#words[this.#data + this.#tail + BLOCK] = 0;
    }
    this.#words[this.#data + at + LENGTH] = length;
    this.#words[this.#data + at + BLOCK] = block;
    this.#tail = (at + size) % this.#capacity;
  }

  /** Whether there is a record; it is at `#head` then. */
  #find(): boolean {
    if (this.#head === this.#seenTail) {
      this.#seenTail = Atomics.load(this.#words, this.#address + TAIL);
      if (this.#head === this.#seenTail) return false;
    }
    if (this.#words[this.#data + this.#head + LENGTH] === REST) this.#head = 0;
    const record = this.#data + this.#head;
    const block = this.#words[record + BLOCK]!;
    this.#start = block === 0 ? 4 * (record + BYTES) : startIn(block);
    this.#end = this.#start + this.#words[record + LENGTH]!;
    return true;
  }

  #copy(): Uint8Array {
    const length = this.#end - this.#start;
    if (length < LONG_COPY) return this.#bytes.slice(this.#start, this.#end);
    const copy = new Uint8Array(length);
    copy.set(this.#bytes.subarray(this.#start, this.#end));
    return copy;
  }

  /** Where the next record begins, or the ring ends. */
  #behind(at: number): number {
    const length = this.#words[this.#data + at + LENGTH]!;
    if (length === REST) return 0;
    const size = this.#words[this.#data + at + BLOCK] === 0 ? sizeOf(length) : BYTES;
    return (at + size) % this.#capacity;
  }
}

/** The next even number of words, which is a multiple of 8 bytes. */
function even(words: number): number {
  return words + (words & 1);
}

/** How many words a record of that many bytes takes, in the ring or as a block. */
function sizeOf(length: number): number {
  return BYTES + even(Math.ceil(length / 4));
}

/** Where the bytes begin in a block. Its first word stays 0, lest somebody who looks over all takes them for other things. */
function startIn(block: number): number {
  return 4 * even(block + 1);
}
