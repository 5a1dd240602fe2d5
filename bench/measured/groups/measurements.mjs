/**
 * What is measured of task groups. As in `../measurements.mjs`: every function takes the operations of a peer, warms up,
 * measures, and returns named figures. A task that did not run, or anything left over, is an error.
 *
 * @typedef {object} GroupPeer one of `peers/`
 * @property {(count: number, work: () => Promise<void>) => Promise<unknown>} together `work` so many times at once, until all have ended
 * @property {(count: number) => Promise<Crowd>} [openCrowd]
 * @typedef {object} Crowd
 * @property {() => Promise<() => Promise<unknown>>} gather that many tasks in one group, which all wait, a quarter of them for
 *   jobs in threads; what it gives cancels them and waits for the end of the group
 * @property {() => Record<string, number>} left who waits or works still
 */
import { getHeapSpaceStatistics } from 'node:v8';

export const measurements = { tasks, cancel };

const MB = 2 ** 20;
/** Tasks of one group. */
const SIZE = 1000;

/**
 * A million tasks, a thousand in each group, each an async function that awaits one resolved promise: what each takes, in
 * nanoseconds, and what memory has grown by from the first hundred thousand to the last, in MB.
 */
async function tasks(peer, { quick }) {
  const count = quick ? 200_000 : 1_000_000;
  const resolved = Promise.resolve();
  let done = 0;
  const work = async () => {
    await resolved;
    done++;
  };
  const run = async (tasks) => {
    done = 0;
    const started = performance.now();
    for (let begun = 0; begun < tasks; begun += SIZE) await peer.together(SIZE, work);
    const elapsed = performance.now() - started;
    if (done !== tasks) throw new Error(`Cannot trust this peer: ${done} of ${tasks} tasks ran`);
    return elapsed;
  };
  await run(300_000);
  let elapsed = await run(count / 10);
  const first = footprint();
  elapsed += await run(count - count / 10);
  const last = footprint();
  return {
    time: (elapsed / count) * 1e6,
    rssGrowth: (last.rss - first.rss) / MB,
    heapGrowth: (last.heap - first.heap) / MB,
  };
}

/** From the cancellation of a group of 10,000 tasks, each of which waits, until the group has ended: the median, in milliseconds. */
async function cancel(peer, { quick }) {
  const crowd = await peer.openCrowd(10_000);
  const round = async () => {
    const end = await crowd.gather();
    const started = performance.now();
    await end();
    const elapsed = performance.now() - started;
    const left = Object.entries(crowd.left()).filter(([, count]) => count > 0);
    if (left.length > 0) throw new Error(`Left over: ${left}`);
    return elapsed;
  };
  await round();
  const times = [];
  do times.push(await round());
  while (times.length < (quick ? 3 : 7));
  times.sort((a, b) => a - b);
  return { time: times[(times.length - 1) / 2], longest: times.at(-1) };
}

/**
 * What the process and the heap take after a collection, in bytes; the process without the young generation, empty then, which
 * V8 doubles at some moment of the first millions and may halve again, from 32 MB to 128 MB.
 */
function footprint() {
  globalThis.gc?.();
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  return {
    rss: process.memoryUsage.rss() - young.physical_space_size,
    heap: process.memoryUsage().heapUsed,
  };
}
