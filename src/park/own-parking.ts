/** The parking of the calling thread, and what is done when another thread has died. */
import { Atomics } from '#atomics';
import { now, nowWhileBlocked, startSystemTimer, type Timer } from '../core/clock.ts';
import { type Heap, ownHeap, recordOf } from '../memory/heap.ts';
import { RECORD_MENDS, RECORD_SYSTEM_THREAD, RECORD_THREAD_ID } from '../memory/layout.ts';
import { leave, livingThreads, reap, reapDead, reapOnly, tokensOfThread } from '../memory/reaper.ts';
import { joinRegion, region } from '../memory/region.ts';
import { blockedSlice, endBlocked, lookWhileBlocked, whileBlocked } from '../platform/blocked.ts';
import { hasChildren, isChild, onOwnEnd, watchChildren } from '../platform/child-threads.ts';
import { listenAt } from '../platform/doorbell.ts';
import { outsideContext } from '../platform/no-context.ts';
import { runtimeName } from '../platform/runtime.ts';
import { systemThreadAsleep, systemThreadEnded } from '../platform/system-thread.ts';
import { ownThreadId } from '../platform/worker.ts';
import { currentScope } from '../scope/scope.ts';
import { askToLook, callErrand, wakeThread } from './mailbox.ts';
import { Parking, type Platform } from './parking.ts';
import { eachRound, inNextTurn, mayNow, putOff, settleSoon } from './turn.ts';

/** Milliseconds between two looks at a thread that was told to stop. */
const LOOK_AGAIN = 50;

const platform: Platform = {
  listen: (words, index, rung) => listenAt(words, index, 1, rung),
  nextRound: inNextTurn,
  now: nowWhileBlocked,
  slice: blockedSlice,
  look: lookWhileBlocked,
  end: endBlocked,
  interrupted: () => {
    const scope = currentScope();
    scope?.poll();
    return scope?.cancellation !== undefined;
  },
  putsOff: (cell, news) => {
    if (!news) settleSoon(cell);
    else if (mayNow()) return false;
    else putOff(cell, news);
    return true;
  },
  reap: (heap) => reapDead(heap, askToLook),
  passesOn: (heap) => {
    if (knowsAllKinds) return false;
    for (const token of livingThreads(heap.words)) {
      if (Atomics.load(heap.words, recordOf(token) + RECORD_MENDS) === 0) continue;
      callErrand(heap.words, token);
      return true;
    }
    // Nobody has an object of a kind that this thread does not know.
    return false;
  },
};

const parkings = new WeakMap<Heap, Parking>();

/** The parking that goes with a heap. */
export function parkingOf(heap: Heap): Parking {
  let parking = parkings.get(heap);
  if (parking === undefined) {
    parking = new Parking(heap, platform);
    parkings.set(heap, parking);
  }
  return parking;
}

let own: Parking | undefined;

/** How the calling thread waits. It joins the shared memory the first time. */
export function ownParking(): Parking {
  if (own === undefined) {
    own = parkingOf(ownHeap());
    whileBlocked(lookAtChildren, () => hasChildren() || stopped.size > 0);
    eachRound(takeNews, (cell) => own!.deliver(cell));
    if (knowsAllKinds) offerToMend(own);
  }
  return own;
}

let knowsAllKinds = false;

/** This thread can mend what any other leaves. */
export function knowAllKinds(): void {
  knowsAllKinds = true;
  if (own !== undefined) offerToMend(own);
}

function offerToMend(parking: Parking): void {
  const { words, record } = parking.heap;
  Atomics.store(words, record + RECORD_MENDS, 1);
  parking.onErrand(() => {
    // As one who has told somebody would.
    parking.beginTelling();
    parking.endTelling();
  });
}

function takeNews(): void {
  if (own!.hasNews()) own!.drain();
}

/**
 * Finds threads of this one that have ended while it was blocked and could not hear of it. Only its own: others are
 * looked after by who started them, and a hundred blocked threads do not each look at a hundred.
 */
function lookAtChildren(): void {
  bury(endedAmong(isChild));
  lookAtStopped();
}

/**
 * A thread that this one started has ended, in whatever way. Threads that it had started ended with it, and nobody else
 * hears of them.
 */
function threadEnded(threadId: number): void {
  const ended = endedAmong((other) => !isChild(other));
  for (const token of tokensOfThread(new Int32Array(region()), threadId)) {
    if (runtimeName !== 'deno' || systemThreadOf(token) === 0) ended.push(token);
    else stopped.set(token, undefined);
  }
  bury(ended);
  lookAtStopped();
}

/** The tokens of those that have ended, as far as the system tells. */
function endedAmong(among: (threadId: number) => boolean): number[] {
  const words = new Int32Array(region());
  const ended: number[] = [];
  for (const token of livingThreads(words)) {
    const record = recordOf(token);
    if (!among(Atomics.load(words, record + RECORD_THREAD_ID))) continue;
    if (systemThreadEnded(Atomics.load(words, record + RECORD_SYSTEM_THREAD))) ended.push(token);
  }
  return ended;
}

function bury(tokens: readonly number[]): void {
  if (tokens.length === 0) return;
  for (const token of tokens) stopped.delete(token);
  reap(ownHeap(), tokens, askToLook);
}

/**
 * Threads that were said to have ended and may still run, by what was seen of them. Deno says so of a thread that it
 * has told to stop: one that spins runs on, and one that sleeps in `Atomics.wait` does so for ever.
 */
const stopped = new Map<number, string | undefined>();
let looked = 0;
let timer: Timer | undefined;

/** Of those, what has ended is dead; and what sleeps as it slept at the last look, for it will never run again. */
function lookAtStopped(): void {
  if (now() - looked >= LOOK_AGAIN) {
    looked = now();
    const ended: number[] = [];
    for (const [token, before] of stopped) {
      const thread = systemThreadOf(token);
      const asleep = systemThreadAsleep(thread);
      if (systemThreadEnded(thread) || (asleep !== undefined && asleep === before)) ended.push(token);
      else stopped.set(token, asleep);
    }
    bury(ended);
  }
  timer?.stop();
  if (stopped.size > 0)
    timer = outsideContext(() => startSystemTimer(LOOK_AGAIN, lookAtStopped, { hold: false }));
}

function systemThreadOf(token: number): number {
  return Atomics.load(ownHeap().words, recordOf(token) + RECORD_SYSTEM_THREAD);
}

/** Makes a thread that is blocked look whether it was cancelled. */
export function wakeIfBlocked(threadId: number): void {
  const words = new Int32Array(region());
  for (const token of tokensOfThread(words, threadId)) wakeThread(words, token);
}

/**
 * From the `exit` event on a thread counts as dead: it mends what it leaves by itself, at once, under another token.
 * Where it is not asked (it was terminated, or ran out of memory) the thread that started it does.
 */
function ownEnd(): void {
  const tokens = tokensOfThread(new Int32Array(region()), ownThreadId);
  if (tokens.length === 0) return;
  const undertaker = joinRegion();
  (knowsAllKinds ? reap : reapOnly)(undertaker, tokens, askToLook);
  leave(undertaker);
}

watchChildren(threadEnded);
onOwnEnd(ownEnd);
