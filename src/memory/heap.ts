/** The shared region as one thread sees it: the words, who this thread is in them, and its allocator. */
import { Atomics } from '#atomics';
import { HeddleError } from '../core/errors.ts';
import { BlockAllocator, type Geometry, wordsFor } from './blocks.ts';
import {
  FIRST_BLOCK,
  FIRST_RECORD,
  FIRST_TOKEN,
  MOST_THREADS,
  NEXT_ID,
  NEXT_TOKEN,
  RECORD_BELL,
  RECORD_ERRAND,
  RECORD_LOOK,
  RECORD_MENDS,
  RECORD_NEWS,
  RECORD_SYSTEM_THREAD,
  RECORD_TELLING,
  RECORD_THREAD_ID,
  RECORD_TOKEN,
  RECORD_WORDS,
} from './layout.ts';

/** How the blocks of a region of that many words are divided. */
export function geometryFor(words: number, pageWords = 16_384): Geometry {
  const pages = Math.floor((words - FIRST_BLOCK) / (pageWords + wordsFor({ pageWords: 0, pages: 1 })));
  return { base: FIRST_BLOCK, pageWords, pages };
}

/** Where the record of a thread stands. */
export function recordOf(token: number): number {
  return FIRST_RECORD + (token % MOST_THREADS) * RECORD_WORDS;
}

/** A record that is being filled in. If its thread ends over it, the record is lost, and nothing else. */
const CLAIMED = 1;

/**
 * Claims a record for the calling thread: its token, which no thread had before. The record of a thread that is dead
 * and not reaped yet is not used again.
 */
export function claimRecord(words: Int32Array, threadId: number, systemThread: number): number {
  for (let tries = 0; tries < 2 * MOST_THREADS; tries++) {
    const token = FIRST_TOKEN + Atomics.add(words, NEXT_TOKEN, 1);
    const record = recordOf(token);
    if (Atomics.compareExchange(words, record + RECORD_TOKEN, 0, CLAIMED) !== 0) continue;
    words[record + RECORD_BELL] = 0;
    words[record + RECORD_NEWS] = 0;
    words[record + RECORD_LOOK] = 0;
    words[record + RECORD_ERRAND] = 0;
    words[record + RECORD_MENDS] = 0;
    words[record + RECORD_TELLING] = 0;
    words[record + RECORD_SYSTEM_THREAD] = systemThread;
    words[record + RECORD_THREAD_ID] = threadId;
    // Only now: with the numbers of the thread that had the record before, this one might be taken for it, and for dead.
    Atomics.store(words, record + RECORD_TOKEN, token);
    return token;
  }
  throw new HeddleError(`Cannot share objects with this thread: ${MOST_THREADS} threads do so already`);
}

/** What a thread does around a blocking wait (`platform/blocked.ts`). */
export interface BlockedWatch {
  /** How long the next sleep may last, of the milliseconds that are left. */
  slice(left: number): number;
  /** After each sleep: looks whether somebody has died. */
  look(): void;
  /** After the last one. */
  end(): void;
}

// Plain fields, read on every path: no getters, no private names.
export class Heap {
  readonly words: Int32Array;
  /** Stands for this thread wherever a word says who: an owner, a claimant, a waiter. */
  readonly token: number;
  /** The address of this thread's record. */
  readonly record: number;
  /** How often a blocking wait looks again before the thread sleeps. */
  readonly spins: number;
  /** What the thread does while it is blocked; without one it only sleeps. */
  readonly watch: BlockedWatch | undefined;
  readonly blocks: BlockAllocator;

  constructor(words: Int32Array, geometry: Geometry, token: number, spins: number, watch?: BlockedWatch) {
    this.words = words;
    this.token = token;
    this.record = recordOf(token);
    this.spins = spins;
    this.watch = watch;
    this.blocks = new BlockAllocator(words, geometry, token);
  }

  /** A block of this thread alone, all words 0. @throws HeddleError if the region is full. */
  allocate(words: number): number {
    const address = this.blocks.allocate(words);
    if (address === undefined) {
      const size = Math.round(this.words.byteLength / 2 ** 20);
      throw new HeddleError(
        `Cannot share an object: the shared memory of this process (${size} MiB) is full; dispose what is not needed any more`,
      );
    }
    return address;
  }

  /** Whether the thread with that token is known to be dead. A token of the living may become one of the dead at any time. */
  isDead(token: number): boolean {
    return Atomics.load(this.words, recordOf(token) + RECORD_TOKEN) !== token;
  }

  /** A number for an object, never used before. */
  nextId(): number {
    return Atomics.add(this.words, NEXT_ID, 1) + 1;
  }
}

let own: Heap | undefined;
let join: (() => Heap) | undefined;

/** The heap of the calling thread, which joins the region of the process the first time. */
export function ownHeap(): Heap {
  own ??= join!();
  return own;
}

/** Whether this thread has joined the region. */
export function hasHeap(): boolean {
  return own !== undefined;
}

/** Says how this thread joins: `region.ts` does, and models of the algorithms do. */
export function joinBy(joining: () => Heap): void {
  own = undefined;
  join = joining;
}
