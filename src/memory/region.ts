/**
 * The region of shared memory of this process: made by the first thread that imports heddle, found by every thread
 * that starts later, also by Workers that a user starts.
 */
import { sharedWithThread, shareWithThreads } from '../platform/environment.ts';
import { ownSystemThread } from '../platform/system-thread.ts';
import { ownThreadId } from '../platform/worker.ts';
import { claimRecord, geometryFor, Heap, joinBy } from './heap.ts';
import { LAYOUT_VERSION } from './layout.ts';

/** Costs nothing until it is used: pages of memory that nobody has touched do not exist. */
const REGION_BYTES = 2 ** 30;

const KEY = `heddle.region.${LAYOUT_VERSION}`;

/** How often a blocking wait looks again before the thread sleeps: a few microseconds. */
const SPINS = 400;

function findRegion(): SharedArrayBuffer {
  const found = sharedWithThread(KEY);
  if (found !== undefined) return found;
  const made = new SharedArrayBuffer(REGION_BYTES);
  shareWithThreads(KEY, made);
  return made;
}

/** The region, for tokens that carry it to threads which have not found it. */
export const region: SharedArrayBuffer = findRegion();

/** A view of the region with a token of its own. */
export function joinRegion(): Heap {
  const words = new Int32Array(region);
  return new Heap(
    words,
    geometryFor(words.length),
    claimRecord(words, ownThreadId, ownSystemThread()),
    SPINS,
  );
}

joinBy(joinRegion);
