/**
 * What is measured of queues. As in `../measurements.mjs`: every function takes the operations of a peer, warms up,
 * measures for `spec.window` milliseconds or what comes close, and returns named figures. A wrong item is an error.
 *
 * @typedef {object} QueuePeer one of `peers/`; what it has not, it cannot do, and is not asked for
 * @property {(capacity?: number) => any} [create] without a capacity it has no bound
 * @property {boolean} [boundedOnly] it has none without a bound
 * @property {(queue: any, item: unknown) => Promise<unknown>} [put]
 * @property {(queue: any) => Promise<unknown>} [get]
 * @property {(queue: any) => AsyncIterable<unknown>} [values]
 * @property {(role: string, queues: any[], control: Int32Array) => void} [start] a thread with those queues
 * @property {(direction: string) => Stream} [openStream] instead of queues
 * @property {(control: Int32Array, asleep: boolean) => Promise<() => Promise<void>>} [openTrip] instead of two queues
 * @property {boolean} [bare] the other threads wait for bare words
 * @property {(limit: number) => (task: () => Promise<void>) => Promise<void>} [openLimiter] at most so many at once
 * @typedef {{ control: Int32Array, burst: (how: How, count: number) => Promise<void> }} Stream
 * @typedef {{ kind: 'numbers' | 'objects', bounded: boolean, iterate?: boolean }} How
 */
import { setTimeout } from 'node:timers/promises';
import {
  ARMED,
  ARRIVED,
  COUNT,
  DONE,
  expect,
  figuresOf,
  GO,
  KIND,
  newControl,
  QUEUE,
  READY,
  tell,
  trips,
  waitFor,
} from '../words.mjs';
import { checkItem, kinds } from './roles.mjs';

export const measurements = { stream, trip, tripOfThreads, millions, idle, limited, oneLoop };

const CAPACITY = 1000;

/** @type {Record<string, How>} */
const ways = {
  numbers: { kind: 'numbers', bounded: false },
  numbersBounded: { kind: 'numbers', bounded: true },
  objects: { kind: 'objects', bounded: false },
  objectsBounded: { kind: 'objects', bounded: true },
};

/** Only where a loop gets. @type {Record<string, How>} */
const iterations = {
  iterated: { kind: 'objects', bounded: false, iterate: true },
  iteratedBounded: { kind: 'objects', bounded: true, iterate: true },
};

/** One to one: items per second, from the first put until the last one is there. Each is looked at. */
async function stream(peer, { window, direction }) {
  const { burst } = await (peer.openStream ?? openQueues)(direction, peer);
  const able = Object.entries(direction === 'threadToLoop' ? { ...ways, ...iterations } : ways).filter(
    ([, how]) => how.bounded || !peer.boundedOnly,
  );
  // Ports have no bound and are not iterated over: beside those stands the same figure.
  const measured = able.filter(([field]) => peer.openStream === undefined || field in kinds);
  // Each is warm before any is measured, so that none is at an advantage.
  for (const [, how] of measured) await rateOf((count) => burst(how, count), 100);
  const values = {};
  for (const [field, how] of measured) values[field] = await rateOf((count) => burst(how, count), window);
  return Object.fromEntries(able.map(([field, { kind }]) => [field, values[field] ?? values[kind]]));
}

async function openQueues(direction, peer) {
  const control = newControl();
  const queues = [peer.boundedOnly ? undefined : peer.create(), peer.create(CAPACITY)];
  if (peer.boundedOnly) queues[0] = queues[1];
  const role = { threadToLoop: 'produceSync', loopToThread: 'consumeSync', loopToLoop: 'consume' }[direction];
  peer.start(role, queues, control);
  await arrived(control, 1);
  const burst = async ({ kind, bounded, iterate }, count) => {
    const queue = queues[bounded ? 1 : 0];
    const { make, is } = kinds[kind];
    const phase = tellBurst(control, kind, bounded ? 1 : 0, count);
    if (iterate) {
      let index = 0;
      for await (const item of peer.values(queue)) {
        checkItem(is, item, index++);
        if (index === count) break;
      }
    } else if (direction === 'threadToLoop') {
      for (let index = 0; index < count; index++) checkItem(is, await peer.get(queue), index);
    } else {
      for (let index = 0; index < count; index++) await peer.put(queue, make(index));
      waitFor(control, DONE, phase);
    }
  };
  return { control, burst };
}

/** Tells the other thread to do its part of so many items. @returns the number of the phase */
export function tellBurst(control, kind, queue, count) {
  control[KIND] = kinds[kind].code;
  control[QUEUE] = queue;
  control[COUNT] = count;
  const phase = control[GO] + 1;
  tell(control, GO, phase);
  return phase;
}

/** There and back between this loop and a blocked thread, with two queues: microseconds. */
async function trip(peer, { window, asleep }) {
  const control = newControl();
  if (peer.openTrip !== undefined) return trips(await peer.openTrip(control, asleep), window);
  const [there, back] = [peer.create(CAPACITY), peer.create(CAPACITY)];
  peer.start(asleep ? 'echoAsleep' : 'echo', [there, back], control);
  await arrived(control, 1);
  let step = 0;
  return trips(async () => {
    await peer.put(there, ++step);
    const answer = peer.get(back);
    if (asleep) Atomics.store(control, ARMED, step);
    expect(await answer, step);
  }, window);
}

/** The same between two blocked threads. */
async function tripOfThreads(peer, { window }) {
  const control = newControl();
  const queues = peer.bare ? [] : [peer.create(CAPACITY), peer.create(CAPACITY)];
  peer.start(peer.bare ? 'bareEcho' : 'echo', queues, control);
  peer.start(peer.bare ? 'barePing' : 'ping', queues, control);
  await arrived(control, 2);
  control[COUNT] = window;
  tell(control, GO, 1);
  waitFor(control, DONE, 1);
  const [p50, p99] = figuresOf(control);
  return { p50, p99 };
}

/** Ten million from thread to thread: does memory stay where it is after a tenth of them? In MB, after collections. */
async function millions(peer, { quick }) {
  const control = newControl();
  const queue = peer.create(CAPACITY);
  peer.start('produceMillions', [queue], control);
  peer.start('consumeMillions', [queue], control);
  await arrived(control, 2);
  control[COUNT] = quick ? 300_000 : 10_000_000;
  tell(control, GO, 1);
  while (Atomics.load(control, READY) !== -1) await setTimeout(20);
  const figures = figuresOf(control);
  const heap = [0, 1, 2].map((stage) => figures[stage] + figures[3 + stage]);
  const [rss10, rss50, rss100] = figures.slice(6, 9);
  return {
    rate: figures[9],
    rss10,
    rss50,
    rss100,
    heap10: heap[0],
    heap50: heap[1],
    heap100: heap[2],
    rssGrowth: rss100 - rss10,
    heapGrowth: heap[2] - heap[0],
  };
}

/** Eight blocked threads and a hundred tasks get nothing: milliseconds of CPU time in each second of that. */
async function idle(peer, { window }) {
  const control = newControl();
  const queue = peer.bare ? undefined : peer.create(CAPACITY);
  for (let count = 0; count < 8; count++) {
    peer.start(peer.bare ? 'bareStarve' : 'starve', peer.bare ? [] : [queue], control);
  }
  const words = new Int32Array(new SharedArrayBuffer(400));
  for (let index = 0; index < 100; index++) {
    if (peer.bare) Atomics.waitAsync(words, index, 0);
    else peer.get(queue).then(() => expect('an item', 'nothing'));
  }
  await arrived(control, 8);
  await setTimeout(1000);
  const before = process.cpuUsage();
  const started = performance.now();
  await setTimeout(window);
  const { user, system } = process.cpuUsage(before);
  return { time: (user + system) / (performance.now() - started) };
}

/** Ten thousand tasks of one loop given at once, of which eight may run at once: microseconds for each. */
async function limited(peer, { window }) {
  const count = 10_000;
  const limit = 8;
  const run = peer.openLimiter(limit);
  let running = 0;
  let done = 0;
  let most = 0;
  const task = async () => {
    if (++running > most) most = running;
    await undefined;
    running--;
    done++;
  };
  const rate = await rateOf(
    async (tasks) => {
      done = 0;
      await Promise.all(Array.from({ length: tasks }, () => run(task)));
      expect(done, tasks);
    },
    window,
    count,
  );
  expect(most, limit);
  return { time: 1e6 / rate };
}

/** A task that puts and one that gets, on the same loop, with the bound of 1,000: items per second. */
async function oneLoop(peer, { window }) {
  const queue = peer.create(CAPACITY);
  const rate = await rateOf(async (count) => {
    const getting = (async () => {
      for (let index = 0; index < count; index++) expect(await peer.get(queue), index);
    })();
    for (let index = 0; index < count; index++) await peer.put(queue, index);
    await getting;
  }, window);
  return { rate };
}

/** Items per second: the median of some bursts, each of a fifth of the window, once it is known how many that are. */
async function rateOf(burst, window, fixed) {
  let count = fixed ?? 250;
  const slice = window / 5;
  const timed = async () => {
    const started = performance.now();
    await burst(count);
    return performance.now() - started;
  };
  const warm = performance.now() + window / 2;
  for (let time = await timed(); performance.now() < warm; time = await timed()) {
    if (fixed === undefined && time < slice) count = Math.min(count * 4, Math.ceil((count * slice) / time));
  }
  const rates = [];
  for (const end = performance.now() + window; performance.now() < end || rates.length < 3; ) {
    rates.push((count / (await timed())) * 1000);
  }
  rates.sort((a, b) => a - b);
  return rates[rates.length >> 1];
}

/** Until so many threads are ready. */
export async function arrived(control, threads) {
  while (Atomics.load(control, ARRIVED) < threads) await setTimeout(1);
}
