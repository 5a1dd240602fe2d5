/** Ten thousand tasks that wait, cancelled at once: nothing of them is left, anywhere. */
import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  CancelledError,
  Event,
  Future,
  Lock,
  Queue,
  sleep,
  type Task,
  TaskGroup,
  ThreadPoolExecutor,
} from '../../../src/index.ts';
import { enterMainLoop, nothingLeft, recordsInUse, usedBlocks } from '../../stress/heap-watch.ts';
import { jobs } from './cancel-many-jobs.ts';

const TASKS = 10_000;
const JOBS = TASKS / 4;
const THREADS = 2;
const CONCURRENCY = 4;
/** The first of the jobs; all others poll, and whichever thread takes one begins no other. */
const RESTING = THREADS * (CONCURRENCY - 1);
const LIMIT = 120_000;

/** What is to wait in equal parts on the loop, each kind with a signal as well as without. */
class Places {
  readonly lock = new Lock();
  readonly queue = new Queue<number>();
  readonly event = new Event();
  readonly controller = new AbortController();
  readonly #resolvers = Future.withResolvers<number>();

  waits(): ((() => Promise<unknown>) | ((signal: AbortSignal) => Promise<unknown>))[] {
    const { lock, queue, event } = this;
    const { signal } = this.controller;
    const { future } = this.#resolvers;
    return [
      () => sleep(Infinity),
      () => sleep(1_000_000_000, { signal }),
      (own) => sleep(1_000_000_000, { signal: own }),
      () => lock.acquire(),
      () => lock.acquire({ signal }),
      () => queue.get(),
      () => queue.get({ signal, timeout: 1_000_000_000 }),
      () => event.wait(),
      (own) => event.wait({ signal: own }),
      async () => await future,
      () => future.result({ signal }),
      (own) =>
        new Promise((_, reject) => own.addEventListener('abort', () => reject(own.reason), { once: true })),
    ];
  }

  waiting(): Record<string, number> {
    return {
      lock: this.lock.statistics().waiting,
      queue: this.queue.statistics().getters,
      event: this.event.statistics().waiting,
      listeners: getEventListeners(this.controller.signal, 'abort').length,
    };
  }

  dispose(): void {
    this.#resolvers.resolve(0);
    for (const one of [this.lock, this.queue, this.event, this.#resolvers.future]) one[Symbol.dispose]();
  }
}

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

async function inTurn(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(1);
}

/** Everything once; the second time all that is made on first use is there. */
async function fillAndCancel(pool: ThreadPoolExecutor): Promise<void> {
  const places = new Places();
  const guard = places.lock.tryAcquire()!;
  const waits = places.waits();
  const all: Task<unknown>[] = [];
  const [timersBefore, resources] = [timers(), process.getActiveResourcesInfo().length];
  let group!: TaskGroup;
  let bodyCutOff = false;
  const ended = TaskGroup.run(async (itself) => {
    group = itself;
    for (let index = 0; index < TASKS; index++) {
      // Every fourth is a job, and half of these have a signal.
      const place = Math.floor(index / 4);
      const executor = place % 2 === 0 ? pool : pool.with({ signal: places.controller.signal });
      const wait = waits[(3 * place + (index % 4)) % waits.length]!;
      const job = place < RESTING ? jobs.rest : jobs.poll;
      all.push(index % 4 === 0 ? group.spawn(() => executor.submit(job)) : group.spawn(wait));
    }
    try {
      await sleep(Infinity);
    } finally {
      bodyCutOff = true;
    }
  });

  const each = Math.floor((TASKS - JOBS) / waits.length);
  await inTurn(() => {
    const { running, queued } = pool.statistics();
    const { lock, queue, event } = places.waiting();
    return running > RESTING && running + queued === JOBS && Math.min(lock!, queue!, event!) >= 2 * each;
  });
  expect(group.tasks.size).toBe(TASKS);
  expect(places.waiting()['listeners']).toBeGreaterThan(0);

  group.cancel('enough');
  expect(await ended).toBeUndefined();

  // At once, with nothing else awaited.
  expect(pool.statistics()).toMatchObject({ queued: 0, running: 0, abandoned: 0 });
  expect(group.tasks.size).toBe(0);
  expect(bodyCutOff).toBe(true);
  expect(all.filter(({ status }) => status !== 'cancelled')).toEqual([]);
  expect(places.waiting()).toEqual({ lock: 0, queue: 0, event: 0, listeners: 0 });
  expect(getEventListeners(group.signal, 'abort')).toEqual([]);
  expect(all.filter(({ signal }) => getEventListeners(signal, 'abort').length > 0)).toEqual([]);
  const error = await all[0]!.then(undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(CancelledError);
  expect((error as CancelledError).cause).toBe('enough');

  // Everything works still.
  places.event.set();
  await places.event.wait();
  places.queue.tryPut(5);
  expect(places.queue.tryGet()).toEqual({ value: 5 });
  guard.release();
  places.lock.tryAcquire()!.release();
  const sums = Array.from({ length: 20 }, (_, index) => pool.submit(jobs.add, index, 1));
  expect(await Promise.all(sums)).toEqual(sums.map((_, index) => index + 1));
  expect(pool.statistics()).toMatchObject({ threads: THREADS, queued: 0, abandoned: 0 });
  places.dispose();
  await inTurn(() => timers() <= timersBefore && process.getActiveResourcesInfo().length <= resources);
}

test('a group of 10,000 tasks ends when it is cancelled, and leaves nothing behind', {
  timeout: LIMIT,
}, async () => {
  enterMainLoop();
  const warm = new ThreadPoolExecutor({ threads: THREADS, concurrency: CONCURRENCY });
  await fillAndCancel(warm);
  await warm.shutdown();
  warm[Symbol.dispose]();

  const before = usedBlocks();
  const records = recordsInUse();
  const pool = new ThreadPoolExecutor({ threads: THREADS, concurrency: CONCURRENCY });
  await fillAndCancel(pool);
  await fillAndCancel(pool);
  await pool.shutdown();
  expect(pool.size).toBe(0);
  pool[Symbol.dispose]();
  await nothingLeft(before, records, 60_000);
});
