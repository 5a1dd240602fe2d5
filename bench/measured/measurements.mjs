/**
 * What is measured. Every function here takes the module of a peer, warms it up, measures for `spec.window`
 * milliseconds (or what comes close to it) and returns named figures. A wrong answer is an error, not a figure.
 *
 * @typedef {(name: 'add' | 'echo' | 'len' | 'sumsq' | 'block', args: unknown[]) => PromiseLike<any>} Call
 *   Runs one of `functions.mjs` in a thread.
 * @typedef {object} Peer
 * @property {(threads: number) => Promise<Call>} open makes a pool of that many threads
 * @property {() => Promise<(a: number, b: number) => number>} [openSync] a call of `add` that blocks
 * @typedef {object} Spec
 * @property {string} peer
 * @property {keyof typeof measurements} what
 * @property {number} threads
 * @property {number} window milliseconds of measuring
 * @property {number} [inFlight] how many tasks are outstanding at any time
 * @property {'object' | 'string' | 'buffer'} [payload]
 */

import { functions } from './functions.mjs';

/** @type {Record<string, (peer: Peer, spec: Spec, started: number) => Promise<Record<string, number>>>} */
export const measurements = { tasks, latency, payload, cpu, cold, memory, sync };

/** Trivial tasks per second, `inFlight` of them outstanding. */
async function tasks(peer, { threads, inFlight, window }) {
  const call = await peer.open(threads);
  await pump(call, inFlight, window / 2);
  const { done, elapsed } = await pump(call, inFlight, window);
  return { rate: (done / elapsed) * 1000 };
}

/** The time of one trivial task, one at a time, in microseconds. */
async function latency(peer, { threads, window }) {
  const call = await peer.open(threads);
  await pump(call, 1, window / 2);
  const times = [];
  const end = performance.now() + window;
  for (let now = performance.now(); now < end; ) {
    const sum = await call('add', [times.length, 1]);
    const after = performance.now();
    expect(sum, times.length + 1);
    times.push(after - now);
    now = after;
  }
  return percentiles(times);
}

/**
 * The mean time of one task with a payload, one at a time, in microseconds. The mean, not the median: a pool that
 * holds on to the arguments of a task pays for it in garbage collection, now and then.
 */
async function payload(peer, { threads, window, payload: kind }) {
  const call = await peer.open(threads);
  const trip = trips[kind](call);
  await repeat(trip, window / 4);
  return { time: (await repeat(trip, window)) * 1000 };
}

/** The time of ten equal CPU-bound tasks given at once, in milliseconds: the median of as many tens as fit. */
async function cpu(peer, { threads, window }) {
  const call = await peer.open(threads);
  const expected = functions.sumsq(5_000_000);
  const ten = async () => {
    const started = performance.now();
    const sums = await Promise.all(Array.from({ length: 10 }, () => call('sumsq', [5_000_000])));
    for (const sum of sums) expect(sum, expected);
    return performance.now() - started;
  };
  await ten();
  const times = [];
  const end = performance.now() + window;
  do times.push(await ten());
  while (performance.now() < end);
  return { time: percentiles(times).p50 / 1000 };
}

/** From nothing (the library not yet imported) to the first result, in milliseconds. */
async function cold(peer, { threads }, started) {
  const call = await peer.open(threads);
  expect(await call('add', [1, 2]), 3);
  return { time: performance.now() - started };
}

/** What each of `threads` started and now idle threads adds to the process, in megabytes. */
async function memory(peer, { threads }) {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const call = await peer.open(threads);
  await Promise.all(Array.from({ length: threads }, () => call('block', [150])));
  await new Promise((resolve) => setTimeout(resolve, 300));
  globalThis.gc?.();
  return { perThread: (process.memoryUsage.rss() - before) / threads / 2 ** 20 };
}

/** A call that blocks until another thread has answered, in microseconds. */
async function sync(peer, { window }) {
  const add = await peer.openSync();
  const round = (milliseconds) => {
    const times = [];
    const end = performance.now() + milliseconds;
    for (let now = performance.now(); now < end; ) {
      const sum = add(times.length, 1);
      const after = performance.now();
      expect(sum, times.length + 1);
      times.push(after - now);
      now = after;
    }
    return times;
  };
  round(window / 2);
  return percentiles(round(window));
}

/** Keeps `inFlight` calls outstanding for some time, and counts. */
async function pump(call, inFlight, milliseconds) {
  let begun = 0;
  let done = 0;
  let over = false;
  const started = performance.now();
  const lane = async () => {
    while (!over) {
      const a = begun++;
      expect(await call('add', [a, 1]), a + 1);
      // A look at the clock costs little, but is not free beside the fastest peers.
      if ((++done & 15) === 0) over = performance.now() - started >= milliseconds;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { done, elapsed: performance.now() - started };
}

/** The mean time of `step` in milliseconds, over at least three steps and `milliseconds`. */
async function repeat(step, milliseconds) {
  const started = performance.now();
  let steps = 0;
  do await step(steps++);
  while (steps < 3 || performance.now() - started < milliseconds);
  return (performance.now() - started) / steps;
}

/** One round trip with a payload. The object and the string come back; of the buffer only its length does. */
const trips = {
  object: (call) => async (step) => {
    const { id } = await call('echo', [smallObject(step)]);
    expect(id, step);
  },
  string: (call) => {
    const text = 'abcdefghij'.repeat(10_240);
    return async (step) => expect((await call('echo', [step + text])).length, text.length + `${step}`.length);
  },
  buffer: (call) => {
    const buffer = new ArrayBuffer(10 * 2 ** 20);
    new Uint8Array(buffer).fill(7);
    return async () => expect(await call('len', [buffer]), buffer.byteLength);
  },
};

/** About 0.7 KB as JSON: strings, numbers, flags, a nested list and a few rows. @param {number} id */
function smallObject(id) {
  return {
    id,
    name: 'x'.repeat(40),
    tags: Array.from({ length: 12 }, (_, index) => `tag${index}`),
    nested: { a: 1.5, b: true, c: null, list: Array.from({ length: 30 }, (_, index) => index * 1.25) },
    rows: Array.from({ length: 8 }, (_, index) => ({ k: `row${index}`, v: index, on: index % 2 === 0 })),
  };
}

/** The median and the 99th percentile of times in milliseconds, in microseconds. @param {number[]} times */
function percentiles(times) {
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))] * 1000;
  return { p50: at(0.5), p99: at(0.99) };
}

/** @param {unknown} actual @param {unknown} expected */
function expect(actual, expected) {
  if (actual !== expected)
    throw new Error(`Cannot trust this peer: received ${actual}, expected ${expected}`);
}
