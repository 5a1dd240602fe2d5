/** A group whose work is in threads, cancelled: what is queued never runs, what runs is awaited, nothing is left. */
import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Event, TaskGroup, ThreadPoolExecutor } from '../../../src/index.ts';
import { ownHeap } from '../../../src/memory/heap.ts';
import { ENDED, jobs, SEEN, until } from '../executors/jobs.ts';
import { flag, goOn, raised } from '../executors/stand.ts';
import { settled, turns } from './places.ts';
import { CALLED, work } from './work.ts';

/** How many blocks of the shared memory of this process are in use. */
function blocksInUse(): number {
  const { blocks } = ownHeap();
  let count = 0;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) count++;
  return count;
}

describe.each(['shared', 'stealing'] as const)('Cancelling a group of jobs (%s)', (scheduling) => {
  let one: ThreadPoolExecutor;

  beforeAll(async () => {
    one = new ThreadPoolExecutor({ threads: 2, scheduling });
    await Promise.all([1, 2].map(() => one.submit(jobs.addLater, 1, 1)));
  });

  afterAll(() => one.shutdown({ cancelPending: true, cancelRunning: true }));

  test('queued jobs never run, and it waits for the real end of the running ones', async () => {
    const [a, b, queued] = [flag(), flag(), flag()];
    let over = false;
    const running = TaskGroup.run(async (group) => {
      for (const words of [a, b]) group.spawn(() => one.submit(work.giveWhenToldTo, words, 1));
      await Promise.all([raised(a), raised(b)]);
      const waiting = [1, 2, 3].map((n) => group.spawn(() => one.submit(work.value, queued, n)));
      await until(() => one.statistics().queued === 3);
      group.cancel('enough');
      await settled(...waiting);
      expect(waiting.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    }).then(() => (over = true));
    await until(() => one.statistics().queued === 0 && one.statistics().abandoned === 2);
    goOn(a);
    await raised(a, ENDED);
    await turns(20);
    expect(over).toBe(false);
    goOn(b);
    await running;
    expect([a, b].map((words) => Atomics.load(words, ENDED))).toEqual([1, 1]);
    expect(Atomics.load(queued, CALLED)).toBe(0);
  });

  test('jobs queued behind one that ends at once never run: its slot is free after they are cancelled', async () => {
    const [a, b, queued] = [flag(), flag(), flag()];
    await TaskGroup.run(async (group) => {
      for (const words of [a, b]) group.spawn(() => one.submit(work.hold, words));
      await Promise.all([raised(a), raised(b)]);
      for (let n = 0; n < 1_000; n++) group.spawn(() => one.submit(work.value, queued, n));
      await until(() => one.statistics().queued === 1_000);
      group.cancel();
    });
    expect(Atomics.load(queued, CALLED)).toBe(0);
  });

  test('running jobs see it, and end before the group does', async () => {
    const [a, b] = [flag(), flag()];
    await TaskGroup.run(async (group) => {
      for (const words of [a, b]) group.spawn(() => one.submit(work.hold, words));
      await Promise.all([raised(a), raised(b)]);
      group.cancel('enough');
    });
    expect([a, b].map((words) => Atomics.load(words, SEEN))).toEqual([1, 1]);
    expect([a, b].map((words) => Atomics.load(words, ENDED))).toEqual([1, 1]);
  });

  test('frees a slot only when the job has really ended', async () => {
    const [deaf, deafToo, next] = [flag(), flag(), flag()];
    const running = TaskGroup.run(async (group) => {
      for (const words of [deaf, deafToo]) group.spawn(() => one.submit(work.giveWhenToldTo, words, 1));
      await Promise.all([raised(deaf), raised(deafToo)]);
      group.cancel();
    });
    await until(() => one.statistics().abandoned === 2);
    const other = one.submit(work.value, next, 'next');
    await turns(20);
    expect(Atomics.load(next, CALLED)).toBe(0);
    goOn(deaf);
    expect(await other).toBe('next');
    goOn(deafToo);
    await running;
    await until(() => one.statistics().abandoned === 0 && one.statistics().running === 0);
  });

  test('leaks no thread, no listener and no block of shared memory', async () => {
    const round = async (): Promise<void> => {
      const [a, b] = [flag(), flag()];
      const signals: AbortSignal[] = [];
      await TaskGroup.run(async (group) => {
        const tasks = [a, b].map((words) => group.spawn(() => one.submit(work.hold, words)));
        await Promise.all([raised(a), raised(b)]);
        for (let n = 0; n < 5; n++) tasks.push(group.spawn(() => one.submit(work.hold, flag())));
        await until(() => one.statistics().queued === 5);
        signals.push(group.signal, ...tasks.map(({ signal }) => signal));
        group.cancel();
      });
      expect(signals.flatMap((signal) => getEventListeners(signal, 'abort'))).toEqual([]);
    };
    for (let n = 0; n < 3; n++) await round();
    const before = blocksInUse();
    for (let n = 0; n < 10; n++) await round();
    await until(() => blocksInUse() <= before + 2, 'the blocks to be free again');
    expect(one.size).toBe(2);
    expect(one.statistics()).toMatchObject({ queued: 0, running: 0, abandoned: 0 });
  });

  test('a job that blocks is woken from its wait', async () => {
    const words = flag();
    const event = new Event();
    await TaskGroup.run(async (group) => {
      group.spawn(() => one.submit(jobs.waitSync, words, event));
      await until(() => event.statistics().waiting === 1);
      group.cancel();
    });
    expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    expect(event.statistics().waiting).toBe(0);
  });

  test('a job that computes sees it without returning to its loop', async () => {
    const words = flag();
    await TaskGroup.run(async (group) => {
      group.spawn(() => one.submit(work.compute, words));
      await raised(words);
      group.cancel();
    });
    expect(Atomics.load(words, ENDED)).toBe(1);
  });

  test("onCancel: 'terminate' leaves a listening job its thread, and awaits it", async () => {
    const view = one.with({ onCancel: 'terminate', grace: 10_000 });
    const words = flag();
    await TaskGroup.run(async (group) => {
      group.spawn(() => view.submit(work.hold, words));
      await raised(words);
      group.cancel();
    });
    expect(Atomics.load(words, ENDED)).toBe(1);
    expect(one.size).toBe(2);
  });

  test("onCancel: 'terminate' ends a job that does not listen; the group ends, another thread takes over", async () => {
    const view = one.with({ onCancel: 'terminate', grace: 1 });
    const words = flag();
    const value = await TaskGroup.run(async (group) => {
      const task = group.spawn(() => view.submit(jobs.spin, words));
      await raised(words);
      group.cancel();
      await settled(task);
      expect(task.status).toBe('cancelled');
      return 'value';
    });
    expect(value).toBe('value');
    const meeting = flag();
    const met = await Promise.all([1, 2].map(() => one.submit(jobs.meetLater, meeting, 2)));
    expect(met.toSorted()).toEqual([1, 2]);
  });

  test("onCancel: 'abandon': the group does not wait for the end", async () => {
    const view = one.with({ onCancel: 'abandon' });
    const words = flag();
    await TaskGroup.run(async (group) => {
      group.spawn(() => view.submit(work.giveWhenToldTo, words, 1));
      await raised(words);
      group.cancel();
    });
    expect(Atomics.load(words, ENDED)).toBe(0);
    goOn(words);
    await raised(words, ENDED);
  });
});
