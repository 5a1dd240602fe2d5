/**
 * The region of shared memory of this process: made by the first thread that imports heddle, found by every thread
 * that starts later, also by Workers that a user starts.
 */
import { Atomics } from '#atomics';
import { blockedSlice, endBlocked, lookWhileBlocked } from '../platform/blocked.ts';
import { beforeFirstWorker, sharedWithThread, shareWithThreads } from '../platform/environment.ts';
import { ownSystemThread } from '../platform/system-thread.ts';
import { ownThreadId } from '../platform/worker.ts';
import { BUFFER_WORDS } from './buffer-slots.ts';
import { type Custody, listenAsRoot } from './custody.ts';
import { claimRecord, geometryFor, Heap, hasHeap, joinBy } from './heap.ts';
import { LAYOUT_VERSION, STAMP } from './layout.ts';

/** Costs nothing until it is used: pages of memory that nobody has touched do not exist. */
const REGION_BYTES = 2 ** 30;
/** At its end the uses of shared buffers are counted. */
const BUFFERS_AT: number = REGION_BYTES - BUFFER_WORDS * Int32Array.BYTES_PER_ELEMENT;

const KEY = `region.${LAYOUT_VERSION}`;

/** How often a blocking wait looks again before the thread sleeps: a few microseconds. */
const SPINS = 400;

/** The region that this thread has made. */
let made: SharedArrayBuffer | undefined;
let found: SharedArrayBuffer = sharedWithThread(KEY) ?? makeRegion();
let buffers: Custody | undefined;

function makeRegion(): SharedArrayBuffer {
  const region = new SharedArrayBuffer(REGION_BYTES);
  Atomics.store(new Int32Array(region), STAMP, 1 + Math.floor(Math.random() * 2 ** 31));
  shareWithThreads(KEY, region);
  // From then on others can give this thread what they share.
  beforeFirstWorker(() => {
    if (found === region) listenAsRoot(custody());
  });
  made = region;
  return region;
}

/** Where the SharedArrayBuffers are that are on their way to threads not known yet. */
export function custody(): Custody {
  buffers ??= {
    words: new Int32Array(found, BUFFERS_AT, BUFFER_WORDS),
    bus: `heddle.${LAYOUT_VERSION}.${stampOf(found)}`,
    isRoot: found === made,
  };
  return buffers;
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
  buffers = undefined;
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
  return new Heap(words, geometryFor(BUFFERS_AT / Int32Array.BYTES_PER_ELEMENT), token, SPINS, {
    slice: blockedSlice,
    look: lookWhileBlocked,
    end: endBlocked,
  });
}

joinBy(joinRegion);
