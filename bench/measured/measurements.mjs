/**
 * What is measured. Every function here takes the module of a peer, warms it up, measures for `spec.window`
 * milliseconds (or what comes close to it) and returns named figures: none at all if the peer has no such thing. A wrong
 * answer is an error, not a figure.
 *
 * @typedef {(name: keyof typeof functions, args: unknown[]) => PromiseLike<any>} Call
 *   Runs one of `functions.mjs` in a thread.
 * @typedef {object} Peer
 * @property {(threads: number) => Promise<Call | undefined>} open makes a pool of that many threads
 * @property {() => Promise<(a: number, b: number) => number>} [openSync] a call of `add` that blocks
 * @property {() => Promise<(buffer: ArrayBuffer) => PromiseLike<number>>} [openMoving] a call of `len` that moves the buffer
 * @property {(threads: number) => Promise<Forks>} [openForks]
 * @property {(concurrency: number) => Promise<Call>} [openLoop] one thread with so many unfinished tasks at once
 * @typedef {object} Forks
 * @property {(depth: number) => PromiseLike<number>} fork a job that submits two to its own pool, and so on: how many leaves there are
 * @property {() => number} queued how many jobs are queued
 * @typedef {object} Spec
 * @property {string} peer
 * @property {keyof typeof measurements} what
 * @property {number} threads
 * @property {number} window milliseconds of measuring
 * @property {boolean} [quick] where it is a count that is measured, not a time: a small part of it will do
 * @property {number} [inFlight] how many tasks are outstanding at any time
 * @property {'object' | 'string' | 'buffer' | 'moved'} [payload]
 * @property {boolean} [busy] whether another process burns a core meanwhile
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { functions } from './functions.mjs';

/** @type {Record<string, (peer: Peer, spec: Spec, started: number) => Promise<Record<string, number>>>} */
export const measurements = {
  tasks,
  latency,
  payload,
  cpu,
  blocked,
  forks,
  cold,
  memory,
  sync,
  million,
  sequence,
  idle,
};

const MB = 2 ** 20;

/**
 * Milliseconds before a measurement of short tasks. A thread pool serves for hours: what it costs while the runtime compiles its code
 * is over after a second or two, by hand likewise. What a program waits for at its start is in `cold`.
 */
const WARM = 1500;

/** Trivial tasks per second, `inFlight` of them outstanding. */
async function tasks(peer, { threads, inFlight, window }) {
  const call = await peer.open(threads);
  if (call === undefined) return {};
  await pump(call, inFlight, WARM);
  const { done, elapsed } = await pump(call, inFlight, window);
  return { rate: (done / elapsed) * 1000 };
}

/** The time of one trivial task, one at a time, in microseconds. */
async function latency(peer, { threads, window, busy }) {
  const call = await peer.open(threads);
  if (call === undefined) return {};
  if (busy) await burn();
  await pump(call, 1, WARM);
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
  if (kind === 'moved') return moved(peer, window);
  const call = await peer.open(threads);
  const trip = trips[kind](call);
  await repeat(trip, WARM / 2);
  return { time: (await repeat(trip, window)) * 1000 };
}

/**
 * The median time of one task to which 10 MB are moved, without the making of them, in microseconds. Not the mean: that
 * would be the collections that so many large buffers cause, now and then, whoever moves them.
 */
async function moved(peer, window) {
  if (peer.openMoving === undefined) return {};
  const call = await peer.openMoving();
  const round = async (milliseconds) => {
    const times = [];
    const end = performance.now() + milliseconds;
    do {
      const buffer = new ArrayBuffer(10 * MB);
      const started = performance.now();
      expect(await call(buffer), 10 * MB);
      times.push(performance.now() - started);
      expect(buffer.byteLength, 0);
    } while (times.length < 3 || performance.now() < end);
    return times;
  };
  await round(WARM / 2);
  return { time: percentiles(await round(window)).p50 };
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

/**
 * CPU-bound tasks, more than can be done, while the loop that submitted them sleeps for `window` milliseconds, beside as
 * long a time in which it is free: how many were done each second, and what part of the one the other is.
 */
async function blocked(peer, { threads, window }) {
  const call = await peer.open(threads);
  const memory = new SharedArrayBuffer(8);
  const words = new Int32Array(memory);
  const submit = (count) => Array.from({ length: count }, () => call('tally', [memory, 1_000_000]));
  await Promise.all(submit(50));
  const started = performance.now();
  await Promise.all(submit(100));
  // Never too few, and what is left over takes no time.
  const enough = Math.ceil((100 / (performance.now() - started)) * window * 4);

  const rateWhile = async (pass) => {
    words.fill(0);
    const answers = submit(enough);
    await setTimeout(50);
    const [before, from] = [Atomics.load(words, 0), performance.now()];
    await pass();
    const [after, to] = [Atomics.load(words, 0), performance.now()];
    Atomics.store(words, 1, 1);
    if (after === enough) throw new Error('Cannot tell: all tasks were done before the time was up');
    await Promise.all(answers);
    return ((after - before) / (to - from)) * 1000;
  };
  const never = new Int32Array(new SharedArrayBuffer(4));
  const free = await rateWhile(() => setTimeout(window));
  const whileBlocked = await rateWhile(() => Atomics.wait(never, 0, 0, window));
  return { free, blocked: whileBlocked, part: (whileBlocked / free) * 100 };
}

/** Jobs per second of trees of jobs that submit jobs, one tree at a time, and how many were seen queued at most. */
async function forks(peer, { threads, window }) {
  if (peer.openForks === undefined) return {};
  const { fork, queued } = await peer.openForks(threads);
  const depth = 12;
  const round = async (milliseconds) => {
    const started = performance.now();
    let jobs = 0;
    do {
      expect(await fork(depth), 2 ** depth);
      jobs += 2 ** (depth + 1) - 1;
    } while (performance.now() - started < milliseconds);
    return (jobs / (performance.now() - started)) * 1000;
  };
  await round(WARM);
  const rate = await round(window);
  let most = 0;
  const looking = setInterval(() => {
    most = Math.max(most, queued());
  }, 1);
  await round(window / 2);
  clearInterval(looking);
  return { rate, queued: most };
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
  await setTimeout(300);
  globalThis.gc?.();
  return { perThread: (process.memoryUsage.rss() - before) / threads / MB };
}

/** A call that blocks until another thread has answered, in microseconds. */
async function sync(peer, { window }) {
  if (peer.openSync === undefined) return {};
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

/**
 * A million trivial tasks, given at once to a thread that is kept busy until the last is there: what each takes while it
 * waits, in bytes, with its promise and the place of that in a list. Then they are done and forgotten; and all of it
 * again, to see whether the process grows.
 */
async function million(peer, { quick }) {
  const count = quick ? 50_000 : 1_000_000;
  const call = await peer.open(1);
  await pump(call, 64, 300);
  const round = async () => {
    const memory = new SharedArrayBuffer(4);
    const before = footprint();
    const held = call('hold', [memory]);
    const answers = new Array(count);
    const started = performance.now();
    for (let index = 0; index < count; index++) answers[index] = call('add', [index, 1]);
    const submitting = performance.now() - started;
    const waiting = footprint();
    const word = new Int32Array(memory);
    Atomics.store(word, 0, 1);
    Atomics.notify(word, 0);
    expect(await held, true);
    for (let index = 0; index < count; index++) expect(await answers[index], index + 1);
    return {
      submit: (submitting / count) * 1e6,
      rss: (waiting.rss - before.rss) / count,
      heap: (waiting.heap - before.heap) / count,
    };
  };
  const start = footprint();
  const figures = await round();
  await setTimeout(300);
  const once = footprint();
  await round();
  await setTimeout(300);
  const twice = footprint();
  return {
    ...figures,
    left: (once.heap - start.heap) / MB,
    rssGrowth: (twice.rss - once.rss) / MB,
    heapGrowth: (twice.heap - once.heap) / MB,
  };
}

/** Ten million trivial tasks, a thousand of them outstanding: does memory stay where it is after a tenth? In MB. */
async function sequence(peer, { quick }) {
  const count = quick ? 100_000 : 10_000_000;
  const call = await peer.open(1);
  let begun = 0;
  let busy = 0;
  const upTo = async (end) => {
    const started = performance.now();
    const lane = async () => {
      while (begun < end) {
        const a = begun++;
        expect(await call('add', [a, 1]), a + 1);
      }
    };
    await Promise.all(Array.from({ length: 1000 }, lane));
    busy += performance.now() - started;
    const heapOfThread = await call('heapUsed', []);
    const { rss, heap } = footprint();
    return { rss: rss / MB, heap: (heap + heapOfThread) / MB };
  };
  const [tenth, half, whole] = [await upTo(count / 10), await upTo(count / 2), await upTo(count)];
  return {
    rate: (count / busy) * 1000,
    rss10: tenth.rss,
    rss50: half.rss,
    rss100: whole.rss,
    heap10: tenth.heap,
    heap50: half.heap,
    heap100: whole.heap,
    rssGrowth: whole.rss - tenth.rss,
    heapGrowth: whole.heap - tenth.heap,
  };
}

/** A hundred thousand tasks of one loop that all wait there: what each takes, in bytes, and the time of it all. */
async function idle(peer, { quick }) {
  if (peer.openLoop === undefined) return {};
  const count = quick ? 10_000 : 100_000;
  const call = await peer.openLoop(count + 10);
  const round = async (tasks) => {
    const heapOfThread = await call('heapUsed', []);
    const before = footprint();
    const started = performance.now();
    const answers = Array.from({ length: tasks }, () => call('idle', []));
    while ((await call('countIdle', [])) < tasks) await setTimeout(1);
    const starting = performance.now() - started;
    const heapOfThreadThen = await call('heapUsed', []);
    const { rss, heap } = footprint();
    expect(await call('wake', []), tasks);
    const sum = (await Promise.all(answers)).reduce((total, index) => total + index, 0);
    expect(sum, (tasks * (tasks - 1)) / 2);
    return {
      rss: (rss - before.rss) / tasks,
      heap: (heap - before.heap) / tasks,
      heapThere: (heapOfThreadThen - heapOfThread) / tasks,
      start: (starting / tasks) * 1000,
    };
  };
  await round(1000);
  return round(count);
}

/** What the process and the heap of this thread take after a collection, in bytes. */
function footprint() {
  globalThis.gc?.();
  return { rss: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed };
}

/** Starts a process that burns one core until this one ends. */
async function burn() {
  const burner = spawn(process.execPath, [fileURLToPath(new URL('./burner.mjs', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => burner.kill('SIGKILL'));
  await once(burner.stdout, 'data');
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
    const buffer = new ArrayBuffer(10 * MB);
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
