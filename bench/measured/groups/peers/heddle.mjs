/** The built package, as users get it. */
import { Event, Future, Lock, Queue, sleep, TaskGroup, ThreadPoolExecutor } from '../../../../dist/index.js';
import { poll, rest } from '../jobs.mjs';

export const together = (count, work) =>
  TaskGroup.run((group) => {
    for (let index = 0; index < count; index++) group.spawn(work);
  });

const THREADS = 2;
/** Jobs of one thread at a time. The first of the pool rest, all others poll: whichever thread takes one begins no other. */
const CONCURRENCY = 4;
const RESTING = THREADS * (CONCURRENCY - 1);

export async function openCrowd(count) {
  const pool = new ThreadPoolExecutor({ threads: THREADS, concurrency: CONCURRENCY });
  const lock = new Lock();
  const queue = new Queue();
  const event = new Event();
  lock.tryAcquire().keep();
  const jobs = count / 4;
  const waits = [
    () => sleep(Number.POSITIVE_INFINITY),
    () => lock.acquire(),
    () => queue.get(),
    () => event.wait(),
    () => Future.withResolvers().future.result(),
  ];
  const left = () => {
    const { queued, running, abandoned } = pool.statistics();
    return {
      queued,
      running,
      abandoned,
      lock: lock.statistics().waiting,
      queue: queue.statistics().getters,
      event: event.statistics().waiting,
    };
  };
  const gather = async () => {
    let group;
    const ended = TaskGroup.run(async (itself) => {
      group = itself;
      for (let index = 0; index < jobs; index++)
        group.spawn(() => pool.submit(index < RESTING ? rest : poll));
      for (let index = jobs; index < count; index++) group.spawn(waits[index % waits.length]);
      await sleep(Number.POSITIVE_INFINITY);
    });
    const some = Math.floor((count - jobs) / waits.length);
    const isGathered = () => {
      const { running, queued, lock, queue, event } = left();
      return running + queued === jobs && running > RESTING && Math.min(lock, queue, event) >= some;
    };
    while (!isGathered()) await new Promise((resolve) => setTimeout(resolve, 1));
    return () => {
      group.cancel();
      return ended;
    };
  };
  return { gather, left };
}
