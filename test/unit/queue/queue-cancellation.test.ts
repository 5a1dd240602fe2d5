import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { CancelledError, TimeoutError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { Queue } from '../../../src/queue/queue.ts';
import { currentTask } from '../../../src/scope/current-task.ts';
import { outside } from '../../../src/scope/outside.ts';
import { shield } from '../../../src/scope/shield.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { queueJobs } from '../../fixtures/queue-jobs.ts';
import { traces } from '../../fixtures/queue-traces.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const EMPTY = { items: 0, parcels: 0, cells: 0 };

function full(...items: string[]): Queue<string> {
  const queue = new Queue<string>({ capacity: items.length });
  for (const item of items) queue.tryPut(item);
  return queue;
}

function drained<T>(queue: Queue<T>): T[] {
  const items: T[] = [];
  for (let got = queue.tryGet(); got !== undefined; got = queue.tryGet()) items.push(got.value);
  return items;
}

describe('a signal', () => {
  test('that is aborted already ends the wait with its reason, though there is an item, and room', async () => {
    const queue = new Queue<string>();
    queue.tryPut('a');
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    expect(await failure(queue.get({ signal }))).toBe(reason);
    expect(await failure(queue.getMany(2, { signal }))).toBe(reason);
    expect(await failure(queue.put('b', { signal }))).toBe(reason);
    expect(await failure(queue.join({ signal }))).toBe(reason);
    expect(await failure(queue.values({ signal }).next())).toBe(reason);
    expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1, waiting: 0 });
    expect(drained(queue)).toEqual(['a']);
    expect(traces(queue)).toEqual(EMPTY);
  });

  test('that aborts takes a getter out of the line, wherever it stands: the others get what comes, in order', async () => {
    const queue = new Queue<number>();
    const controller = new AbortController();
    const gets = [0, 1, 2, 3, 4].map((n) =>
      queue.get(n % 2 === 0 ? { signal: controller.signal } : {}).catch((error: unknown) => error),
    );
    const reason = { any: 'thing' };
    controller.abort(reason);
    expect(queue.statistics().getters).toBe(2);
    queue.tryPut(10);
    queue.tryPut(11);
    expect(await Promise.all(gets)).toEqual([reason, 10, reason, 11, reason]);
    expect(queue.tryGet()).toBe(undefined);
  });

  test('that aborts takes a putter out of the line, and its item is not put: the next is let in', async () => {
    const queue = full('a');
    const controller = new AbortController();
    const puts = ['b', 'c', 'd'].map((item) =>
      queue.put(item, item === 'c' ? {} : { signal: controller.signal }).catch((error: unknown) => error),
    );
    expect(traces(queue)).toMatchObject({ items: 4, cells: 3 });
    controller.abort('enough');
    expect(queue.statistics()).toMatchObject({ putters: 1, unfinished: 1 });
    expect(await queue.get()).toBe('a');
    expect(await Promise.all(puts)).toEqual(['enough', undefined, 'enough']);
    expect(drained(queue)).toEqual(['c']);
    expect(traces(queue)).toEqual(EMPTY);
  });

  test('that takes out a putter which was too large lets in who stood behind it and fits', async () => {
    const queue = new Queue<string>({ maxBytes: 1000 });
    queue.tryPut('a'.repeat(500));
    const controller = new AbortController();
    const large = failure(queue.put('b'.repeat(700), { signal: controller.signal }));
    const small = [queue.put('c'), queue.put('d')];
    await turn();
    expect(queue.size).toBe(1);
    controller.abort('enough');
    expect(await large).toBe('enough');
    await Promise.all(small);
    expect(queue.size).toBe(3);
  });

  test('that aborts a join leaves the others waiting', async () => {
    const queue = full('a');
    const controller = new AbortController();
    const aborted = failure(queue.join({ signal: controller.signal }));
    const join = queue.join();
    controller.abort('enough');
    expect(await aborted).toBe('enough');
    expect(queue.statistics().joiners).toBe(1);
    await queue.get();
    queue.taskDone();
    await join;
    expect(traces(queue)).toEqual(EMPTY);
  });

  test('leaves no listener behind, however the wait ends', async () => {
    const queue = full('a');
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const put = queue.put('b', { signal });
    await failure(queue.put('c', { signal, timeout: 1 }));
    await queue.get();
    await put;
    await queue.get();
    const get = queue.get({ signal });
    queue.tryPut('d');
    await get;
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});

// In whichever order: an item is neither lost nor doubled.
describe('in one tick', () => {
  test('served, then aborted: the getter has the item', async () => {
    const queue = new Queue<string>();
    const controller = new AbortController();
    const get = queue.get({ signal: controller.signal });
    queue.tryPut('a');
    controller.abort();
    expect(await get).toBe('a');
    expect(traces(queue)).toEqual(EMPTY);
  });

  test('aborted, then an item: the next getter has it', async () => {
    const queue = new Queue<string>();
    const controller = new AbortController();
    const aborted = failure(queue.get({ signal: controller.signal }));
    const next = queue.get();
    controller.abort('enough');
    queue.tryPut('a');
    expect(await aborted).toBe('enough');
    expect(await next).toBe('a');
  });

  test('let in, then aborted: the item is put, and the putter learns that', async () => {
    const queue = full('a');
    const controller = new AbortController();
    const put = queue.put('b', { signal: controller.signal });
    expect(queue.tryGet()).toEqual({ value: 'a' });
    controller.abort();
    await put;
    expect(drained(queue)).toEqual(['b']);
  });

  test('aborted, then room: the next putter is let in', async () => {
    const queue = full('a');
    const controller = new AbortController();
    const aborted = failure(queue.put('b', { signal: controller.signal }));
    const put = queue.put('c');
    controller.abort('enough');
    expect(queue.tryGet()).toEqual({ value: 'a' });
    await put;
    expect(await aborted).toBe('enough');
    expect(drained(queue)).toEqual(['c']);
    expect(queue.unfinished).toBe(2);
  });

  test('served by another thread, before this loop has heard, then aborted: the getter has the item', async () => {
    const queue = new Queue<string>();
    const flag = sharedFlag(3);
    const putter = pool.submit(queueJobs.putWhenTold, queue, 'a', flag);
    await raised(flag, 1);
    const controller = new AbortController();
    const get = queue.get({ signal: controller.signal });
    const next = queue.get();
    tell(flag);
    expect(queue.size).toBe(1);
    controller.abort();
    expect(await get).toBe('a');
    expect(queue.statistics()).toMatchObject({ size: 0, getters: 1 });
    queue.tryPut('b');
    expect(await next).toBe('b');
    await putter;
  });

  test('let in by another thread, before this loop has heard, then aborted: the item is put once', async () => {
    const queue = full('a');
    const flag = sharedFlag(3);
    const getter = pool.submit(queueJobs.getWhenTold, queue, flag);
    await raised(flag, 1);
    const controller = new AbortController();
    const put = queue.put('b', { signal: controller.signal });
    tell(flag);
    controller.abort();
    await put;
    expect(await getter).toBe('a');
    expect(drained(queue)).toEqual(['b']);
    expect(traces(queue)).toEqual(EMPTY);
  });

  test('served by another thread, before a time-out that comes before this loop has heard: the getter has the item', async () => {
    const queue = new Queue<string>();
    const flag = sharedFlag(3);
    const putter = pool.submit(queueJobs.putWhenTold, queue, 'a', flag);
    await raised(flag, 1);
    const fired: (() => void)[] = [];
    const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((fire: () => void) => {
      fired.push(fire);
      return 0;
    }) as never);
    const get = queue.get({ timeout: 1000 });
    timers.mockRestore();
    tell(flag);
    expect(fired.length).toBe(1);
    fired[0]!();
    expect(await get).toBe('a');
    await putter;
  });

  test('shut down by another, then aborted: the getter hears of the shutdown, which came first', async () => {
    const queue = new Queue<string>();
    const controller = new AbortController();
    const get = failure(queue.get({ signal: controller.signal }));
    queue.shutdown();
    controller.abort('enough');
    expect(await get).toMatchObject({ code: 'ERR_HEDDLE_QUEUE_SHUT_DOWN' });
  });

  test('many at random: as many items come out as were put, each once', async () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let round = 0; round < 100; round++) {
      const queue = new Queue<number>({ capacity: 1 + random(3) });
      const put: number[] = [];
      const got: number[] = [];
      const work: Promise<unknown>[] = [];
      const controllers: AbortController[] = [];
      for (let n = 0; n < 40; n++) {
        const controller = new AbortController();
        controllers.push(controller);
        const { signal } = controller;
        if (random(2) === 0)
          work.push(
            queue.put(n, { signal }).then(
              () => put.push(n),
              () => {},
            ),
          );
        else
          work.push(
            queue.get({ signal }).then(
              (item) => got.push(item),
              () => {},
            ),
          );
        if (random(3) === 0) controllers[random(controllers.length)]!.abort();
        if (random(4) === 0) await Promise.resolve();
      }
      for (const controller of controllers) controller.abort();
      await Promise.all(work);
      got.push(...drained(queue));
      expect(got.toSorted((a, b) => a - b)).toEqual(put.toSorted((a, b) => a - b));
      expect(traces(queue)).toEqual(EMPTY);
      expect(queue.statistics()).toMatchObject({ size: 0, bytes: 0, waiting: 0, unfinished: put.length });
    }
  });
});

describe('the cancellation of the task', () => {
  test.each(['get', 'put', 'join'] as const)(
    'ends %s() with the CancelledError of the task, without a trace',
    async (action) => {
      const queue = action === 'get' ? new Queue<string>() : full('a');
      const before = traces(queue);
      let error: unknown;
      await TaskGroup.run((group) => {
        group.spawn(async () => {
          error = await failure(action === 'put' ? queue.put('b') : queue[action]());
        });
        setImmediate(() => {
          expect(queue.waiting).toBe(1);
          group.cancel('enough');
        });
      });
      expect(error).toBeInstanceOf(CancelledError);
      expect((error as Error).cause).toBe('enough');
      expect(queue.waiting).toBe(0);
      expect(traces(queue)).toEqual(before);
    },
  );

  test('refuses every later wait, though there is an item, and room; the try forms are no waits', async () => {
    let called = false;
    await TaskGroup.run((group) =>
      group.spawn(async () => {
        const queue = new Queue<string>();
        queue.tryPut('a');
        currentTask()!.cancel();
        for (const work of [
          queue.get(),
          queue.put('b'),
          queue.join(),
          queue.getMany(1),
          queue.putMany(['b']),
          queue.putMany([]),
        ])
          expect(await failure(work)).toBeInstanceOf(CancelledError);
        for (const fn of [
          () => queue.getSync(),
          () => queue.putSync('b'),
          () => queue.joinSync(),
          () => queue.getManySync(1),
          () => queue.putManySync(['b']),
          () => queue.putManySync([]),
        ])
          expect(thrown(fn)).toBeInstanceOf(CancelledError);
        expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1, waiting: 0 });
        expect(queue.tryPut('c')).toBe(true);
        expect(queue.tryGet()).toEqual({ value: 'a' });
        expect(await shield(() => queue.get())).toBe('c');
        expect(traces(queue)).toEqual(EMPTY);
        called = true;
      }),
    );
    expect(called).toBe(true);
  });

  test('in the same tick after it was served loses no item', async () => {
    const queue = new Queue<string>();
    let got: string | undefined;
    await TaskGroup.run((group) => {
      group.spawn(async () => {
        got = await queue.get();
      });
      setImmediate(() => {
        queue.tryPut('a');
        group.cancel();
      });
    });
    expect(got).toBe('a');
  });

  test('in the same tick before an item comes gives it to the next', async () => {
    const queue = new Queue<string>();
    let next: Promise<string> | undefined;
    await TaskGroup.run((group) => {
      group.spawn(() => queue.get());
      setImmediate(() => {
        next = outside(() => queue.get());
        group.cancel();
        queue.tryPut('a');
      });
    });
    expect(await next).toBe('a');
  });

  test('while another thread serves it, before this loop has heard, loses no item', async () => {
    const queue = new Queue<string>();
    const flag = sharedFlag(3);
    const putter = pool.submit(queueJobs.putWhenTold, queue, 'a', flag);
    await raised(flag, 1);
    let got: string | undefined;
    await TaskGroup.run(async (group) => {
      group.spawn(async () => {
        got = await queue.get();
      });
      await outside(turn);
      tell(flag);
      group.cancel();
    });
    expect(got).toBe('a');
    expect(traces(queue)).toEqual(EMPTY);
    await putter;
  });

  test('of jobs that are blocked in the line takes them out of it: no item is lost', async () => {
    const queue = new Queue<string>();
    const first = pool.submit(queueJobs.getSync, queue);
    while (queue.statistics().getters < 1) await turn();
    const second = pool.submit(queueJobs.getSync, queue);
    while (queue.statistics().getters < 2) await turn();
    first.cancel();
    while (queue.statistics().getters > 1) await turn();
    queue.tryPut('a');
    expect(await second).toBe('a');
    expect(await failure(first)).toBeInstanceOf(CancelledError);

    queue.capacity = 1;
    queue.tryPut('b');
    const put = pool.submit(queueJobs.putSync, queue, 'c');
    while (queue.statistics().putters < 1) await turn();
    put.cancel();
    expect(await failure(put)).toBeInstanceOf(CancelledError);
    // Its thread hears of it a little later.
    while (queue.statistics().putters > 0) await turn();
    expect(drained(queue)).toEqual(['b']);
    const join = pool.submit(queueJobs.joinSync, queue);
    while (queue.statistics().joiners < 1) await turn();
    join.cancel();
    expect(await failure(join)).toBeInstanceOf(CancelledError);
    while (traces(queue).cells > 0) await turn();
    expect(queue.waiting).toBe(0);
    expect(traces(queue)).toEqual(EMPTY);
  });

  test('of putMany() tells how many were put', async () => {
    const queue = new Queue<number>({ capacity: 2 });
    let error: unknown;
    await TaskGroup.run((group) => {
      group.spawn(async () => {
        error = await failure(queue.putMany([1, 2, 3, 4]));
      });
      setImmediate(() => setImmediate(() => group.cancel()));
    });
    expect(error).toBeInstanceOf(CancelledError);
    expect(error).toMatchObject({ count: 2 });
  });
});

test('a time-out leaves the line in order, and the next getter gets the item', async () => {
  const queue = new Queue<string>();
  const short = failure(queue.get({ timeout: 1 }));
  const next = queue.get();
  expect(await short).toBeInstanceOf(TimeoutError);
  queue.tryPut('a');
  expect(await next).toBe('a');
});

/** Lets a thread do what it was told to wait for, without returning to this loop. */
function tell(flag: Int32Array): void {
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  Atomics.wait(flag, 2, 0);
}
