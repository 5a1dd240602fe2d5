/**
 * The region of shared memory of this process: made by the first thread that imports heddle, found by every thread
 * that starts later, also by Workers that a user starts.
 */
import { Atomics } from '#atomics';
import { blockedSlice, endBlocked, lookWhileBlocked } from '../platform/blocked.ts';
import { sharedWithThread, shareWithThreads } from '../platform/environment.ts';
import { ownSystemThread } from '../platform/system-thread.ts';
import { ownThreadId } from '../platform/worker.ts';
import { claimRecord, geometryFor, Heap, hasHeap, joinBy } from './heap.ts';
import { LAYOUT_VERSION, STAMP } from './layout.ts';

/** Costs nothing until it is used: pages of memory that nobody has touched do not exist. */
const REGION_BYTES = 2 ** 30;

const KEY = `region.${LAYOUT_VERSION}`;

/** How often a blocking wait looks again before the thread sleeps: a few microseconds. */
const SPINS = 400;

let found: SharedArrayBuffer = sharedWithThread(KEY) ?? makeRegion();

function makeRegion(): SharedArrayBuffer {
  const made = new SharedArrayBuffer(REGION_BYTES);
  Atomics.store(new Int32Array(made), STAMP, 1 + Math.floor(Math.random() * 2 ** 31));
  shareWithThreads(KEY, made);
  return made;
}

/** The memory itself, for tokens that carry it to threads which have not found it. */
export function region(): SharedArrayBuffer {
  return found;
}

/**
 * Uses the region that a token came with, if this thread has not found one and not used its own yet. False if it has
 * another.
 */
export function adoptRegion(buffer: SharedArrayBuffer): boolean {
  if (stampOf(buffer) === stampOf(found)) return true;
  if (hasHeap()) return false;
  found = buffer;
  shareWithThreads(KEY, buffer);
  return true;
}

function stampOf(buffer: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(buffer), STAMP);
}

/** A view of the region with a token of its own. */
export function joinRegion(): Heap {
  const words = new Int32Array(found);
  const token = claimRecord(words, ownThreadId, ownSystemThread());
  return new Heap(words, geometryFor(words.length), token, SPINS, {
    slice: blockedSlice,
    look: lookWhileBlocked,
    end: endBlocked,
  });
}

joinBy(joinRegion);
