/**
 * What is measured of the primitives other than locks. As in `../measurements.mjs`: every function takes the operations
 * of a peer, warms up, measures for `spec.window` milliseconds or what comes close, and returns named figures.
 *
 * @typedef {object} Kind something that is had for a while
 * @property {() => any} create
 * @property {(thing: any) => any} [acquireSync] gives what `release` takes
 * @property {(thing: any) => Promise<any>} [acquire]
 * @property {(guard: any, thing: any) => unknown} release
 *
 * @typedef {object} PrimitivesPeer one of `peers/`; what it has not, it cannot do, and is not asked for
 * @property {Record<string, Kind>} [kinds]
 * @property {(role: string, things: any[], control: Int32Array) => void} [start] a thread with those things
 * @property {() => any} [createEvent] with `wait`, `waitSync`, `set` and `clear`
 * @property {() => any} [createPair] a lock and a condition, with the operations of `roles.mjs`
 * @property {(parties: number) => any} [createBarrier] with `pass` and `passSync`
 * @property {(count: number) => any} [createLatch] with `countDown`
 */
import { setTimeout } from 'node:timers/promises';
import {
  ARMED,
  ARRIVED,
  at,
  COUNT,
  DONE,
  expect,
  figuresOf,
  GO,
  newControl,
  now,
  pause,
  READY,
  tell,
  waitFor,
} from '../words.mjs';
import { PAUSE, waitAndGoOn } from './roles.mjs';

/** So often many tasks wait for one event. */
const ROUNDS = 5;

export const measurements = { pairs, many, crowds, turns, barrier, wakeSync, wake };

/** Acquire and release with nobody else there, and counting down, in nanoseconds: the median of some runs. */
async function pairs(peer, { window, shared, colour }) {
  const things = Object.entries(peer.kinds).map(([name, kind]) => ({ name, kind, thing: kind.create() }));
  if (shared) {
    const control = newControl();
    const all = things.map(({ thing }) => thing);
    peer.start('hold', all, control);
    await arrived(control, 1);
  }
  const values = {};
  const each = window / 6;
  for (const { name, kind, thing } of things) {
    const loops = await import(`./pairs.mjs?${name}`);
    if (colour === 'blocking' && kind.acquireSync !== undefined)
      values[name] = loops.pairSync(kind, thing, each);
    if (colour === 'awaited' && kind.acquire !== undefined)
      values[name] = await loops.pair(kind, thing, each);
  }
  return values;
}

/** A hundred thousand tasks of one loop wait for one event: milliseconds until the last has gone on, set here or by a thread. */
async function many(peer) {
  const count = 100_000;
  const own = [];
  for (let round = 0; round < ROUNDS; round++) {
    const event = peer.createEvent();
    const last = gatherCrowd(peer, event, count);
    await setTimeout(20);
    const started = now();
    peer.set(event);
    own.push((await last) - started);
  }
  const far = [];
  const event = peer.createEvent();
  const control = newControl();
  const figures = figuresOf(control);
  peer.start('setLater', [event], control);
  await arrived(control, 1);
  for (let round = 1; round <= ROUNDS; round++) {
    peer.clear(event);
    const last = gatherCrowd(peer, event, count);
    await setTimeout(20);
    tell(control, GO, round);
    far.push((await last) - figures[0]);
  }
  // The first two of each warm up.
  return { time: at(own.slice(2), 0.5), far: at(far.slice(2), 0.5) };
}

function gatherCrowd(peer, event, count) {
  return new Promise((resolve) => {
    let through = 0;
    const goOn = () => {
      if (++through === count) resolve(now());
    };
    for (let task = 0; task < count; task++) void waitAndGoOn(peer, event, goOn);
  });
}

/** A thousand tasks on each of two other loops, set from here: milliseconds until the last of both has gone on. */
async function crowds(peer) {
  const rounds = 12;
  const events = Array.from({ length: rounds }, () => peer.createEvent());
  const control = newControl();
  control[COUNT] = 1000;
  const figures = figuresOf(control);
  peer.start('crowd', events, control);
  peer.start('crowd', events, control);
  const times = [];
  for (let round = 1; round <= rounds; round++) {
    waitFor(control, READY, 2 * round);
    const started = now();
    peer.set(events[round - 1]);
    waitFor(control, DONE, round);
    times.push(figures[1] - started);
  }
  return { time: at(times.slice(2), 0.5) };
}

/** There and back between two blocked threads that notify each other under one lock: microseconds. */
async function turns(peer, { window }) {
  const control = newControl();
  const pair = peer.createPair();
  peer.start('turnsSync', [pair], control);
  peer.start('pingTurns', [pair], control);
  await arrived(control, 2);
  control[COUNT] = window;
  tell(control, GO, 1);
  waitFor(control, DONE, 1);
  const [p50, p99] = figuresOf(control);
  return { p50, p99 };
}

/** Passes in each second of a barrier for two: blocked threads, and loops. */
async function barrier(peer, { window }) {
  const values = {};
  for (const [field, role] of [
    ['blocking', 'passSync'],
    ['loops', 'pass'],
  ]) {
    const control = newControl();
    const own = peer.createBarrier(2);
    peer.start(role, [own], control);
    await arrived(control, 1);
    let count = 200;
    const rates = [];
    const end = performance.now() + 1.5 * window;
    for (let phase = 1; performance.now() < end || rates.length < 5; phase++) {
      control[COUNT] = count;
      tell(control, GO, phase);
      const started = performance.now();
      if (role === 'passSync') for (let pass = 0; pass < count; pass++) peer.passSync(own);
      else for (let pass = 0; pass < count; pass++) await peer.pass(own);
      const time = performance.now() - started;
      rates.push((count / time) * 1000);
      if (time < window / 10) count *= 2;
    }
    // The first third warms up.
    values[field] = at(rates.slice(Math.floor(rates.length / 3)), 0.5);
  }
  return values;
}

/** From the set of an event here to the thread that is blocked on it: microseconds. */
async function wakeSync(peer, { window }) {
  const control = newControl();
  const figures = figuresOf(control);
  const event = peer.createEvent();
  peer.start('wokenSync', [event], control);
  await arrived(control, 1);
  let step = 0;
  return oneWay(window, () => {
    peer.clear(event);
    tell(control, GO, ++step);
    while (Atomics.load(control, ARMED) !== step);
    pause(PAUSE);
    const started = now();
    peer.set(event);
    waitFor(control, DONE, step);
    return figures[1] - started;
  });
}

/** From the set of an event by a thread to the task here that awaits it: microseconds. */
async function wake(peer, { window }) {
  const control = newControl();
  const figures = figuresOf(control);
  const event = peer.createEvent();
  peer.start('setLater', [event], control);
  await arrived(control, 1);
  let step = 0;
  return oneWay(window, async () => {
    peer.clear(event);
    const waiting = peer.wait(event);
    tell(control, GO, ++step);
    await waiting;
    return now() - figures[0];
  });
}

async function oneWay(window, round) {
  let times = [];
  for (const length of [window / 2, window]) {
    times = [];
    const end = performance.now() + length;
    while (performance.now() < end || times.length < 10) times.push((await round()) * 1000);
  }
  expect(
    times.every((time) => time >= 0),
    true,
  );
  return { p50: at(times, 0.5), p99: at(times, 0.99) };
}

async function arrived(control, threads) {
  while (Atomics.load(control, ARRIVED) < threads) await setTimeout(1);
}
