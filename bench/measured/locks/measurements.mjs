/**
 * What is measured of locks. As in `../measurements.mjs`: every function takes the operations of a peer, warms up,
 * measures for `spec.window` milliseconds or what comes close, and returns named figures. A wrong answer is an error.
 *
 * @typedef {object} LockPeer one of `peers/`; what it has not, it cannot do, and is not asked for
 * @property {() => any} create a lock of this thread
 * @property {(lock: any) => boolean} [locked]
 * @property {(lock: any) => any} [acquireSync] gives what `release` takes
 * @property {(lock: any) => Promise<any>} [acquire]
 * @property {(lock: any, guard: any) => void} release
 * @property {(locks: any[], work: { role: string, control: Int32Array, pause?: number }) => Promise<void>} [start]
 *   starts a thread that has the locks too, and does the work of that name
 * @property {(lock: any) => unknown} [token] what goes into a message; there `restore` makes a lock of it
 * @property {(token: any) => any} [restore]
 * @property {(lock: any) => void} [dispose]
 * @property {() => number} [usedBlocks] of memory of its own
 * @property {(index: number) => object} [make] instead of `create`, where making is measured
 * @property {() => Promise<unknown>} [turn] instead of acquiring a lock of one's own, where a loop is kept busy
 * @property {(pause: number, ready: (control: Int32Array) => Promise<void>) => Promise<Ways>} [openTrip] instead of three locks
 * @property {(count: number) => Promise<number>} [wakeMany] instead of the queue of a lock
 * @typedef {{ trip: () => Promise<void>, control: Int32Array }} Ways
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  ARMED,
  COUNTER,
  contend,
  contendSync,
  DONE,
  GO,
  newControl,
  now,
  OPERATIONS,
  READY,
  STOP,
  stampOf,
  stepOf,
  tell,
  waitFor,
} from './other-thread.mjs';

/** @type {Record<string, (peer: LockPeer, spec: { window: number, shared?: boolean }) => Promise<Record<string, number>>>} */
export const measurements = { pairsSync, pairs, fightSync, fight, wakeUp, wakeMany, made, sent, crowded };

/** Acquire and release with nobody else there, in nanoseconds: the median of many runs of some thousand. */
async function pairsSync(peer, { window, shared }) {
  const lock = await lockOf(peer, shared);
  const guard = peer.acquireSync(lock);
  expectLocked(peer, lock, true);
  peer.release(lock, guard);
  const run = () => {
    for (let i = 0; i < 5000; i++) peer.release(lock, peer.acquireSync(lock));
  };
  runsFor(run, window / 2);
  const times = runsFor(run, window);
  expectLocked(peer, lock, false);
  return { time: (at(times, 0.5) / 5000) * 1e6 };
}

/** The same with `await`. */
async function pairs(peer, { window, shared }) {
  const lock = await lockOf(peer, shared);
  const guard = await peer.acquire(lock);
  expectLocked(peer, lock, true);
  await peer.release(lock, guard);
  const run = async () => {
    for (let i = 0; i < 2000; i++) peer.release(lock, await peer.acquire(lock));
  };
  await runsOf(run, window / 2);
  const times = await runsOf(run, window);
  await setImmediate();
  expectLocked(peer, lock, false);
  return { time: (at(times, 0.5) / 2000) * 1e6 };
}

/** Two threads that block for one lock to add to one counter: nanoseconds for each of the operations of both. */
async function fightSync(peer, { window }) {
  const lock = peer.create();
  const control = await playedBy(peer, [lock], 'fightSync');
  return fought(control, window, (end) => contendSync(peer, lock, control, end));
}

/** The same, each waiting on its loop. */
async function fight(peer, { window }) {
  const lock = peer.create();
  const control = await playedBy(peer, [lock], 'fight');
  return fought(control, window, (end) => contend(peer, lock, control, end));
}

/** There and back between a task here and a blocked thread, in microseconds. Each side waits in truth every time. */
async function wakeUp(peer, { window }) {
  const { trip } = await openTrip(peer, 0);
  const round = async (milliseconds) => {
    const times = [];
    const end = performance.now() + milliseconds;
    for (let before = performance.now(); before < end; ) {
      await trip();
      const after = performance.now();
      times.push((after - before) * 1000);
      before = after;
    }
    return times;
  };
  await round(window / 2);
  const times = await round(window);
  return { p50: at(times, 0.5), p99: at(times, 0.99) };
}

/** A thousand tasks of one loop in the line: microseconds for each, from the first release until all have been through. */
async function wakeMany(peer, { window }) {
  const count = 1000;
  const lock = await lockOf(peer, peer.start !== undefined);
  const queued = async () => {
    const guard = await peer.acquire(lock);
    let through = 0;
    const waiters = Array.from({ length: count }, async () => {
      const own = await peer.acquire(lock);
      through++;
      peer.release(lock, own);
    });
    // Some queue in a later round of the loop.
    await setTimeout(2);
    expect(through, 0);
    const started = performance.now();
    peer.release(lock, guard);
    await Promise.all(waiters);
    expect(through, count);
    return performance.now() - started;
  };
  const once = peer.wakeMany === undefined ? queued : () => peer.wakeMany(count);
  const round = async (milliseconds) => {
    const times = [];
    const end = performance.now() + milliseconds;
    do times.push(await once());
    while (performance.now() < end || times.length < 3);
    return times;
  };
  await round(window / 2);
  return { time: at(await round(window), 0.5) };
}

/**
 * A million made and dropped, or as many as go into three seconds: nanoseconds for each, and what the heap has grown by
 * after a collection. And what one takes of the heap while it is there.
 */
async function made(peer) {
  const make = peer.make ?? peer.create;
  const recent = new Array(1000);
  const drop = (most) => {
    const end = performance.now() + 3000;
    let count = 0;
    while (count < most && performance.now() < end) {
      for (let i = 0; i < 1000; i++) recent[i] = make(count++);
    }
    recent.fill(undefined);
    return count;
  };
  drop(20_000);
  const before = await collected();
  const started = performance.now();
  const count = drop(1_000_000);
  const time = ((performance.now() - started) / count) * 1e6;
  const left = (await collected()) - before;
  const kept = Array.from({ length: 20_000 }, (_, index) => make(index));
  const each = ((await collected()) - before - left) / kept.length;
  return { time, left: left / 2 ** 20, each };
}

/**
 * A hundred thousand sent to another thread, by the thousand, and disposed on both sides: microseconds for each, from
 * making it; and what is left of them in memory. Then the same, forgotten instead of disposed.
 */
async function sent(peer, { peer: name }) {
  const worker = new Worker(new URL('./receiver.mjs', import.meta.url), { workerData: name });
  const ask = (message) =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.postMessage(message);
    });
  const send = async (count, forget) => {
    for (let batch = 0; batch < count / 1000; batch++) {
      const locks = Array.from({ length: 1000 }, () => peer.create());
      expect(await ask({ tokens: locks.map(peer.token), forget }), 1000);
      if (!forget) for (const lock of locks) peer.dispose(lock);
    }
  };
  await send(5000, false);
  const used = () => peer.usedBlocks?.() ?? 0;
  const before = used();
  const started = performance.now();
  await send(100_000, false);
  const time = (performance.now() - started) / 100;
  const blocks = used() - before;
  if (peer.usedBlocks === undefined) return { time };
  await send(20_000, true);
  const forgotten = performance.now();
  do {
    await ask({});
    await collected();
  } while (used() > before && performance.now() - forgotten < 5000);
  return { time, blocks, forgotten: used() - before };
}

/**
 * While a hundred thousand tasks are ready at any time, a thread releases what one waits for: milliseconds until that
 * one goes on, over twenty times. They are stopped where it takes more than a second, which then is the figure.
 */
async function crowded(peer) {
  const limit = 1000;
  const { trip, control } = await openTrip(peer, 15);
  const stamp = stampOf(control);
  await trip();
  let seen = stamp[0];
  let turns = 0;
  let stopped = false;
  const busy = async () => {
    const own = peer.turn === undefined ? peer.create() : undefined;
    while (!stopped) {
      if (own === undefined) await peer.turn();
      else peer.release(own, await peer.acquire(own));
      // A look at the clock every some milliseconds.
      if ((++turns & 8191) === 0 && stamp[0] !== seen && now() - stamp[0] > limit) stopped = true;
    }
  };
  const crowd = Array.from({ length: 100_000 }, busy);
  const times = [];
  for (let round = 0; round < 22 && !stopped; round++) {
    await trip();
    const time = now() - stamp[0];
    seen = stamp[0];
    // The first two warm up.
    if (round >= 2 || stopped) times.push(time);
  }
  stopped = true;
  await Promise.all(crowd);
  if (turns < 100_000) throw new Error(`Cannot trust this peer: its tasks had ${turns} turns`);
  return { p50: at(times, 0.5), max: at(times, 1) };
}

/** A lock that no other thread knows, or one that another has. */
async function lockOf(peer, shared) {
  const lock = peer.create();
  if (shared) await playedBy(peer, [lock], 'hold');
  return lock;
}

/** Starts the other thread with a part to play, and waits until it is ready. */
async function playedBy(peer, locks, role, pause) {
  const control = newControl();
  await peer.start(locks, { role, control, pause });
  await ready(control);
  return control;
}

async function ready(control) {
  while (Atomics.load(control, READY) === 0) await setTimeout(1);
}

/** Both sides at once, first to warm up. */
async function fought(control, window, contendUntil) {
  let time = 0;
  let total = 0;
  for (const [phase, milliseconds] of [
    [1, window / 2],
    [2, window],
  ]) {
    control[STOP] = 0;
    tell(control, GO, phase);
    const started = performance.now();
    const own = await contendUntil(started + milliseconds);
    waitFor(control, DONE, phase);
    const operations = own + control[OPERATIONS];
    total += operations;
    expect(control[COUNTER], total);
    time = ((performance.now() - started) / operations) * 1e6;
  }
  return { time };
}

/** The ping-pong with the other thread, one round trip at a call. */
async function openTrip(peer, pause) {
  if (peer.openTrip !== undefined) return peer.openTrip(pause, ready);
  const locks = [peer.create(), peer.create(), peer.create()];
  const guards = [await peer.acquire(locks[0]), undefined, await peer.acquire(locks[2])];
  const control = await playedBy(peer, locks, 'trip', pause);
  let step = 0;
  const trip = async () => {
    const { given, wanted } = stepOf(step);
    peer.release(locks[given], guards[given]);
    const granted = peer.acquire(locks[wanted]);
    Atomics.store(control, ARMED, ++step);
    guards[wanted] = await granted;
  };
  return { trip, control };
}

/** The times of as many runs as fit, in milliseconds. */
function runsFor(run, milliseconds) {
  const times = [];
  const end = performance.now() + milliseconds;
  for (let before = performance.now(); before < end || times.length < 3; ) {
    run();
    const after = performance.now();
    times.push(after - before);
    before = after;
  }
  return times;
}

async function runsOf(run, milliseconds) {
  const times = [];
  const end = performance.now() + milliseconds;
  for (let before = performance.now(); before < end || times.length < 3; ) {
    await run();
    const after = performance.now();
    times.push(after - before);
    before = after;
  }
  return times;
}

/** The bytes of the heap in use, after collections and what they call. */
async function collected() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await setTimeout(1);
  }
  return process.memoryUsage().heapUsed;
}

/** The value below which that part of the values lies. */
function at(values, part) {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * part))];
}

function expectLocked(peer, lock, expected) {
  if (peer.locked !== undefined) expect(peer.locked(lock), expected);
}

function expect(actual, expected) {
  if (actual !== expected)
    throw new Error(`Cannot trust this peer: received ${actual}, expected ${expected}`);
}
