import { describe, expect, test } from 'vitest';
import {
  DeadlockError,
  Event,
  Future,
  Latch,
  Queue,
  QueueShutDownError,
  select,
  selectSync,
  TaskGroup,
  ThreadPoolExecutor,
  TimeoutError,
} from '../../../src/index.ts';
import { ownHeap } from '../../../src/memory/heap.ts';
import { failure, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { traces } from '../../fixtures/queue-traces.ts';
import { jobs } from '../../fixtures/select-jobs.ts';

describe('select() takes from exactly one', () => {
  test('the first in order of the keys that has something', async () => {
    const a = new Queue<number>();
    const b = new Queue<string>();
    a.tryPut(1);
    b.tryPut('x');
    expect(await select({ b, a })).toEqual({ key: 'b', value: 'x' });
    expect(a.size).toBe(1);
    expect(selectSync({ b, a })).toEqual({ key: 'a', value: 1 });
  });

  test('the first that gets something while it waits, and it leaves all others', async () => {
    const [a, b] = [new Queue<number>(), new Queue<number>()];
    const event = new Event();
    const waiting = select({ a, event, b });
    expect([a.waiting, event.statistics().waiting, b.waiting]).toEqual([1, 1, 1]);
    b.tryPut(7);
    expect(await waiting).toEqual({ key: 'b', value: 7 });
    expect([a.waiting, event.statistics().waiting, b.waiting]).toEqual([0, 0, 0]);
    a.tryPut(8);
    expect(await a.get()).toBe(8);
  });

  test('two sources served in the same tick: what was not taken stays for others', async () => {
    const [a, b] = [new Queue<number>(), new Queue<number>()];
    const waiting = select({ a, b });
    b.tryPut(2);
    a.tryPut(1);
    expect(await waiting).toEqual({ key: 'b', value: 2 });
    expect(await a.get()).toBe(1);
  });

  test('the same queue twice', async () => {
    const queue = new Queue<number>();
    const waiting = select({ one: queue, two: queue });
    queue.tryPut(1);
    queue.tryPut(2);
    expect(await waiting).toEqual({ key: 'one', value: 1 });
    expect([queue.size, queue.waiting]).toEqual([1, 0]);
  });

  test('an event that is set, a latch that is open', async () => {
    const event = new Event();
    const latch = new Latch(1);
    event.set();
    expect(await select({ latch, event })).toEqual({ key: 'event', value: undefined });
    latch.countDown();
    expect(await select({ latch, event })).toEqual({ key: 'latch', value: undefined });
  });

  test('it stands in the line of each as everybody else', async () => {
    const queue = new Queue<number>();
    const other = new Event();
    const first = queue.get();
    const second = select({ queue, other });
    const third = queue.get();
    for (const item of [1, 2, 3]) queue.tryPut(item);
    expect([await first, (await second).value, await third]).toEqual([1, 2, 3]);
  });
});

describe('select() and futures', () => {
  test('one that settles while it waits', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    const queue = new Queue<number>();
    const waiting = select({ queue, future });
    resolve(5);
    expect(await waiting).toEqual({ key: 'future', value: 5 });
    expect(queue.waiting).toBe(0);
  });

  test('one that is settled already, and one that fails', async () => {
    const done = Future.withResolvers<number>();
    done.resolve(1);
    expect(await select({ future: done.future })).toEqual({ key: 'future', value: 1 });
    expect(selectSync({ future: done.future })).toEqual({ key: 'future', value: 1 });
    const failing = Future.withResolvers<number>();
    const queue = new Queue<number>();
    const waiting = failure(select({ future: failing.future, queue }));
    const error = new Error('no');
    failing.reject(error);
    expect(await waiting).toBe(error);
    expect(queue.waiting).toBe(0);
  });

  test('a future that settles after another source was taken changes nothing', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    const queue = new Queue<number>();
    const waiting = select({ future, queue });
    queue.tryPut(1);
    resolve(2);
    expect(await waiting).toEqual({ key: 'queue', value: 1 });
  });

  test('a thread does not block for futures that only it can settle', () => {
    const { future } = Future.withResolvers<number>();
    expect(() => selectSync({ future })).toThrow(DeadlockError);
  });

  test('a thread blocks for a future that another settles, beside a queue', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const later = (n: number): number => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      return n;
    };
    const queue = new Queue<number>();
    const job = pool.submit(later, 7);
    expect(selectSync({ queue, job })).toEqual({ key: 'job', value: 7 });
    queue.tryPut(1);
    const other = pool.submit(later, 8);
    expect(selectSync({ queue, other })).toEqual({ key: 'queue', value: 1 });
    const failing = pool.submit((): number => {
      throw new Error('no');
    });
    expect(() => selectSync({ failing })).toThrow('no');
    expect(await other).toBe(8);
  });
});

describe('a wait that ends leaves no trace', () => {
  test('by its time-out', async () => {
    const [a, b] = [new Queue<number>(), new Queue<number>()];
    const used = ownHeap().blocks.countUsed();
    expect(await failure(select({ a, b }, { timeout: 5 }))).toBeInstanceOf(TimeoutError);
    expect(await failure(select({ a, b }, { timeout: 0 }))).toBeInstanceOf(TimeoutError);
    expect(() => selectSync({ a, b }, { timeout: 5 })).toThrow(TimeoutError);
    expect(() => selectSync({ a, b }, { timeout: 0 })).toThrow(TimeoutError);
    expect([a.waiting, b.waiting]).toEqual([0, 0]);
    // The two queues, their records, and a cell that is kept for the next wait.
    expect(ownHeap().blocks.countUsed()).toBeLessThanOrEqual(used + 5);
  });

  test('by its signal, or the cancellation of its task', async () => {
    const [a, b] = [new Queue<number>(), new Queue<number>()];
    const controller = new AbortController();
    const aborted = failure(select({ a, b }, { signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect(await aborted).toEqual(new Error('enough'));
    await TaskGroup.run(async (group) => {
      group.spawn(() => select({ a, b }));
      await Promise.resolve();
      expect(a.waiting).toBe(1);
      group.cancel();
    });
    expect([a.waiting, b.waiting]).toEqual([0, 0]);
  });

  test('an item that came in the moment of the cancellation is not lost', async () => {
    const [a, b] = [new Queue<number>(), new Queue<number>()];
    const controller = new AbortController();
    const waiting = select({ a, b }, { signal: controller.signal });
    a.tryPut(1);
    controller.abort();
    expect(await waiting).toEqual({ key: 'a', value: 1 });
  });
});

describe('select() across threads', () => {
  test.each(['pick', 'pickAsync'] as const)('%s: nothing is lost or doubled', async (form) => {
    await using pool = new ThreadPoolExecutor({ threads: 3 });
    const [a, b] = [new Queue<number>({ capacity: 4 }), new Queue<number>()];
    const [never, stop] = [new Event(), new Event()];
    const picked = [pool.submit(jobs[form], a, b, stop), pool.submit(jobs[form], a, b, stop)];
    await pool.submit(jobs.feed, a, never, 300);
    await jobs.feed(b, never, 300);
    while (a.size + b.size > 0) await new Promise((resolve) => setImmediate(resolve));
    stop.set();
    const all = (await Promise.all(picked)).flat();
    const expected = Array.from({ length: 300 }, (_, item) => item).flatMap((item) => [item, item]);
    expect(all.sort((x, y) => x - y)).toEqual(expected);
    expect([a.waiting, b.waiting, stop.statistics().waiting]).toEqual([0, 0, 0]);
  });
});

describe('the death of a thread that selects', () => {
  test.each(['pick', 'pickAsync'] as const)(
    '%s: it stands in no line any more, and takes nothing',
    async (form) => {
      await using pool = new ThreadPoolExecutor({ threads: 1 });
      const [a, b, stop] = [new Queue<number>(), new Queue<number>(), new Event()];
      const job = pool.with({ onCancel: 'terminate', grace: 0 }).submit(jobs[form], a, b, stop);
      while (a.waiting + b.waiting + stop.statistics().waiting < 3) await turn();
      const next = b.get();
      job.cancel();
      while (a.waiting + b.waiting + stop.statistics().waiting > 1) await turn();
      b.tryPut(1);
      expect(await next).toBe(1);
      a.tryPut(2);
      expect(await select({ stop, a })).toEqual({ key: 'a', value: 2 });
      stop.set();
    },
  );

  test('what it was given and had not taken goes to the next, from whichever line that was', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const [a, b, stop] = [new Queue<number>(), new Queue<number>(), new Event()];
    const flag = sharedFlag(2);
    const job = pool.submit(jobs.deafUntilEnd, a, b, stop, flag);
    await raised(flag, 1);
    const next = [a.get(), b.get()];
    a.tryPut(1);
    b.tryPut(2);
    // They are kept for those who stood there first.
    expect([a.size, b.size]).toEqual([1, 1]);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    await job.error();
    expect(await Promise.all(next)).toEqual([1, 2]);
    for (const queue of [a, b]) {
      queue.taskDone();
      await queue.join();
      expect(traces(queue)).toEqual({ items: 0, parcels: 0, cells: 0 });
    }
    expect(stop.statistics().waiting).toBe(0);
  });
});

describe('bad input', () => {
  test('is refused at once, with what to do', async () => {
    expect(await failure(select({}))).toBeInstanceOf(RangeError);
    const wrong = { lock: 5 } as unknown as { lock: Event };
    expect(await failure(select(wrong))).toEqual(
      new TypeError('sources.lock must be a Queue, an Event, a Latch or a Future, received 5'),
    );
    expect(() => selectSync(wrong)).toThrow(TypeError);
    expect(() => selectSync(undefined as unknown as { a: Event })).toThrow(TypeError);
  });

  test('blocking for what nobody else has', () => {
    expect(() => selectSync({ queue: new Queue(), event: new Event() })).toThrow(DeadlockError);
  });

  test('a queue that was shut down and drained', async () => {
    const [a, b] = [new Queue<number>(), new Queue<number>()];
    const waiting = failure(select({ a, b }));
    a.shutdown();
    expect(await waiting).toBeInstanceOf(QueueShutDownError);
    expect(await failure(select({ b, a }))).toBeInstanceOf(QueueShutDownError);
    expect(b.waiting).toBe(0);
  });
});
