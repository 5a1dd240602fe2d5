import { afterAll, describe, expect, test } from 'vitest';
import { DeadlockError, InvalidStateError, TimeoutError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { LifoQueue } from '../../../src/queue/lifo-queue.ts';
import { PriorityQueue } from '../../../src/queue/priority-queue.ts';
import { Queue } from '../../../src/queue/queue.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { queueJobs } from '../../fixtures/queue-jobs.ts';
import { traces } from '../../fixtures/queue-traces.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

const CLASSES = [
  ['Queue', Queue],
  ['LifoQueue', LifoQueue],
  ['PriorityQueue', PriorityQueue],
] as const;

function drained<T>(queue: Queue<T>): T[] {
  const items: T[] = [];
  for (let got = queue.tryGet(); got !== undefined; got = queue.tryGet()) items.push(got.value);
  return items;
}

/** What has happened so far, after all that can happen on this loop has. */
async function outcomes(work: readonly Promise<unknown>[]): Promise<string[]> {
  const states = work.map(() => 'waits');
  for (const [index, one] of work.entries())
    one.then(
      (value) => (states[index] = `got ${String(value)}`),
      (error: Error) => (states[index] = error.constructor.name),
    );
  await turn();
  return states;
}

describe('order', () => {
  test('Queue gives the first put first', async () => {
    const queue = new Queue<number>();
    for (let n = 0; n < 100; n++) await queue.put(n);
    expect(drained(queue)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  test('LifoQueue gives the last put first', async () => {
    const queue = new LifoQueue<number>();
    for (let n = 0; n < 100; n++) await queue.put(n);
    expect(await queue.get()).toBe(99);
    queue.tryPut(100);
    expect(drained(queue)).toEqual([100, ...Array.from({ length: 99 }, (_, n) => 98 - n)]);
  });

  test('PriorityQueue gives the lowest priority first, whatever number that is', () => {
    const priorities = [
      Infinity,
      1.5,
      -0,
      0,
      -Infinity,
      1,
      -1,
      -1.5,
      Number.MIN_VALUE,
      -Number.MIN_VALUE,
      Number.MAX_VALUE,
      -Number.MAX_VALUE,
      2 ** 31,
      2 ** 32,
      -(2 ** 31),
      2 ** 53,
      2 ** 53 + 2,
      1 + Number.EPSILON,
      0.1,
      0.2,
      0.3,
      -0.1,
      -0.2,
      1e-300,
      -1e-300,
      4294967295.5,
      4294967296.5,
    ];
    const queue = new PriorityQueue<number>();
    for (const priority of priorities) queue.tryPut(priority, { priority });
    expect(drained(queue)).toEqual(priorities.toSorted((a, b) => a - b));
    for (const priority of priorities.toSorted((a, b) => b - a)) queue.tryPut(priority, { priority });
    // Of 0 and -0 whichever was put first.
    expect(drained(queue).map((n) => n + 0)).toEqual(priorities.map((n) => n + 0).toSorted((a, b) => a - b));
  });

  test('PriorityQueue gives items of the same priority in the order in which they were put, -0 being 0', () => {
    const queue = new PriorityQueue<string>();
    for (let n = 0; n < 50; n++) {
      queue.tryPut(`later ${n}`, { priority: 7 });
      if (n % 2 === 0) queue.tryPut(`zero ${n}`, { priority: -0 });
      else queue.tryPut(`zero ${n}`);
    }
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    expect(drained(queue)).toEqual([...numbers.map((n) => `zero ${n}`), ...numbers.map((n) => `later ${n}`)]);
  });

  test('PriorityQueue keeps its order while items come and go', () => {
    const queue = new PriorityQueue<number>();
    const inside: number[] = [];
    let seed = 1;
    for (let n = 0; n < 2000; n++) {
      seed = (seed * 48_271) % 2_147_483_647;
      if (seed % 3 > 0 || inside.length === 0) {
        const priority = (seed % 1000) - 500;
        queue.tryPut(priority, { priority });
        inside.push(priority);
      } else {
        inside.sort((a, b) => a - b);
        expect(queue.tryGet()).toEqual({ value: inside.shift() });
      }
    }
    expect(drained(queue)).toEqual(inside.sort((a, b) => a - b));
  });

  test('what waits to be put comes out by its priority too, once it is in', async () => {
    const queue = new PriorityQueue<string>({ capacity: 1 });
    queue.tryPut('first', { priority: 5 });
    const puts = [queue.put('second', { priority: 9 }), queue.put('third', { priority: 1 })];
    queue.capacity = 3;
    await Promise.all(puts);
    expect(drained(queue)).toEqual(['third', 'first', 'second']);
  });
});

describe.each(CLASSES)('%s', (_, Class) => {
  test('says how many items it has, and how many are not done', async () => {
    const queue = new Class<string>({ capacity: 2, name: 'letters' });
    expect([queue.size, queue.unfinished, queue.capacity]).toEqual([0, 0, 2]);
    await queue.put('a');
    expect(queue.tryPut('b')).toBe(true);
    expect(queue.tryPut('c')).toBe(false);
    expect([queue.size, queue.unfinished]).toEqual([2, 2]);
    await queue.get();
    expect([queue.size, queue.unfinished]).toEqual([1, 2]);
    queue.taskDone();
    expect([queue.size, queue.unfinished]).toEqual([1, 1]);
    queue.tryGet();
    expect(queue.tryGet()).toBe(undefined);
    expect(queue.statistics()).toEqual({
      name: 'letters',
      size: 0,
      bytes: 0,
      unfinished: 1,
      getters: 0,
      putters: 0,
      joiners: 0,
      waiting: 0,
    });
  });

  test('serves getters first come, first served, also by several items at once', async () => {
    const queue = new Class<number>();
    const got: string[] = [];
    const gets = ['a', 'b', 'c'].map(async (name) => void got.push(name + (await queue.get())));
    expect(queue.statistics()).toMatchObject({ getters: 3, waiting: 3 });
    queue.tryPut(1);
    queue.tryPut(1);
    queue.tryPut(1);
    await Promise.all(gets);
    expect(got).toEqual(['a1', 'b1', 'c1']);
    expect(queue.size).toBe(0);
  });

  test('lets putters in first come, first served', async () => {
    const queue = new Class<string>({ capacity: 1 });
    queue.tryPut('first');
    const order: string[] = [];
    const puts = ['a', 'b', 'c'].map((item) => queue.put(item).then(() => order.push(item)));
    expect(queue.statistics()).toMatchObject({ putters: 3, waiting: 3, size: 1, unfinished: 1 });
    const got = [];
    for (let n = 0; n < 4; n++) {
      got.push(await queue.get());
      await turn();
      expect(order).toEqual(['a', 'b', 'c'].slice(0, n + 1));
    }
    await Promise.all(puts);
    expect(got).toEqual(['first', 'a', 'b', 'c']);
  });

  test('lets no newcomer overtake a getter that was woken', async () => {
    const queue = new Class<string>();
    const get = queue.get();
    queue.tryPut('a');
    // The getter has it already, or it is kept for it.
    expect(queue.tryGet()).toBe(undefined);
    expect(queue.peek()).toBe(undefined);
    expect(await get).toBe('a');
  });

  test('lets no newcomer overtake a putter: there is room for who waits first', async () => {
    const queue = new Class<string>({ capacity: 1, maxBytes: 1000 });
    queue.tryPut('a');
    const large = queue.put('b'.repeat(700));
    queue.capacity = 2;
    await large;
    expect(queue.tryPut('c')).toBe(false);
    const waits = [queue.put('d'.repeat(700)), queue.put('e')];
    queue.capacity = 10;
    // It is small enough, but stands behind one that is not.
    expect(queue.tryPut('f')).toBe(false);
    expect(await outcomes(waits)).toEqual(['waits', 'waits']);
    expect(queue.statistics()).toMatchObject({ size: 2, putters: 2 });
    drained(queue);
    await Promise.all(waits);
  });

  test('may have its capacity raised in use: as many putters go on as there is room', async () => {
    const queue = new Class<number>({ capacity: 1 });
    queue.tryPut(0);
    const puts = [1, 2, 3, 4].map((item) => queue.put(item));
    queue.capacity = 3;
    expect(queue.capacity).toBe(3);
    expect(await outcomes(puts)).toEqual(['got undefined', 'got undefined', 'waits', 'waits']);
    queue.capacity = Infinity;
    expect(queue.capacity).toBe(Infinity);
    await Promise.all(puts);
    expect(queue.size).toBe(5);
  });

  test('may have its capacity lowered in use: nothing is dropped, and puts wait until it is below', async () => {
    const queue = new Class<number>();
    for (let n = 0; n < 4; n++) queue.tryPut(n);
    queue.capacity = 2;
    expect(queue.size).toBe(4);
    expect(queue.tryPut(4)).toBe(false);
    const put = queue.put(5);
    await queue.get();
    await queue.get();
    expect(await outcomes([put])).toEqual(['waits']);
    await queue.get();
    await put;
    expect(queue.size).toBe(2);
  });

  test('bounds by bytes: who does not fit waits, and the count is right whatever happens', async () => {
    const queue = new Class<Uint8Array>({ maxBytes: 1000 });
    const bytes = (): number => queue.statistics().bytes;
    expect(bytes()).toBe(0);
    await queue.put(new Uint8Array(300));
    const each = bytes();
    expect(each).toBeGreaterThanOrEqual(300);
    await queue.put(new Uint8Array(300));
    await queue.put(new Uint8Array(300));
    expect(bytes()).toBe(3 * each);
    const controller = new AbortController();
    const aborted = failure(queue.put(new Uint8Array(300), { signal: controller.signal }));
    const waits = queue.put(new Uint8Array(300));
    expect(queue.tryPut(new Uint8Array(1))).toBe(false);
    controller.abort('enough');
    expect(await aborted).toBe('enough');
    expect(bytes()).toBe(3 * each);
    await queue.get();
    await waits;
    expect(bytes()).toBe(3 * each);
    expect(queue.clear()).toBe(3);
    expect(bytes()).toBe(0);
    await queue.put(new Uint8Array(300));
    queue.shutdown({ immediate: true });
    expect(bytes()).toBe(0);
  });

  test('refuses an item that is larger than maxBytes, in every form, and changes nothing', async () => {
    const queue = new Class<string>({ maxBytes: 100, name: 'small' });
    const before = traces(queue);
    const item = 'x'.repeat(200);
    const { bytes } = queue.statistics();
    for (const error of [
      await failure(queue.put(item)),
      thrown(() => queue.putSync(item)),
      thrown(() => queue.tryPut(item)),
      await failure(queue.putMany([item])),
      thrown(() => queue.putManySync([item])),
    ]) {
      expect(error).toBeInstanceOf(RangeError);
      expect((error as Error).message).toMatch(
        /^Cannot put into .*queue "small": the item has \d+ bytes, more than its maxBytes of 100$/,
      );
    }
    expect(queue.statistics()).toMatchObject({ size: 0, bytes, unfinished: 0, putters: 0 });
    expect(traces(queue)).toEqual(before);
    queue.tryPut('x'.repeat(20));
    expect(queue.size).toBe(1);
  });

  test('has a limit of bytes that an item may reach exactly', () => {
    const measured = new Class<string>();
    measured.tryPut('x'.repeat(40));
    const { bytes } = measured.statistics();
    expect(new Class<string>({ maxBytes: bytes }).tryPut('x'.repeat(40))).toBe(true);
    expect(() => new Class<string>({ maxBytes: bytes - 1 }).tryPut('x'.repeat(40))).toThrow(RangeError);
    const queue = new Class<string>({ maxBytes: 2 * bytes });
    expect([1, 2, 3].map(() => queue.tryPut('x'.repeat(40)))).toEqual([true, true, false]);
  });

  test('clears: gives how many it dropped, takes them from what is unfinished, and lets putters in after it', async () => {
    const queue = new Class<string>({ capacity: 3 });
    for (const item of ['a', 'b', 'c']) queue.tryPut(item);
    await queue.get();
    queue.tryPut('d');
    const puts = ['e', 'f', 'g', 'h'].map((item) => queue.put(item));
    expect(queue.unfinished).toBe(4);
    expect(queue.clear()).toBe(3);
    expect(await outcomes(puts)).toEqual(['got undefined', 'got undefined', 'got undefined', 'waits']);
    // One was taken, and is not done; three have come in.
    expect([queue.size, queue.unfinished]).toEqual([3, 4]);
    expect(drained(queue).sort()).toEqual(['e', 'f', 'g', 'h']);
    expect(new Class().clear()).toBe(0);
  });

  test('does not give, show or clear an item that is kept for a getter which was woken', async () => {
    const queue = new Class<string>();
    const flag = sharedFlag(3);
    const putter = pool.submit(queueJobs.putWhenTold, queue, 'a', flag);
    await raised(flag, 1);
    const get = queue.get();
    tellThread(flag);
    expect([queue.tryGet(), queue.peek()]).toEqual([undefined, undefined]);
    expect([queue.size, queue.clear(), queue.size, queue.unfinished]).toEqual([1, 0, 1, 1]);
    expect(await get).toBe('a');
    await putter;
  });

  test('clears all but the items that come first, as many as are kept for getters', async () => {
    const queue = new Class<number>();
    const flag = sharedFlag(3);
    const putter = pool.submit(queueJobs.putManyWhenTold, queue, [1, 2, 3, 4], flag);
    await raised(flag, 1);
    const gets = [queue.get(), queue.get()];
    tellThread(flag);
    expect([queue.size, queue.clear(), queue.size]).toEqual([4, 2, 2]);
    const first = queue instanceof LifoQueue ? [4, 3] : [1, 2];
    expect(await Promise.all(gets)).toEqual(first);
    expect(queue.statistics()).toMatchObject({ size: 0, bytes: 0, unfinished: 2 });
    queue.tryPut(5);
    expect(queue.tryGet()).toEqual({ value: 5 });
    await putter;
  });

  test('peeks: the item stays, and it is the one that comes next', async () => {
    const queue = new Class<{ n: number }>();
    expect(queue.peek()).toBe(undefined);
    queue.tryPut({ n: 1 });
    queue.tryPut({ n: 2 });
    const seen = queue.peek()!;
    expect(queue.peek()).toEqual(seen);
    expect(queue.peek()!.value).not.toBe(seen.value);
    expect([queue.size, queue.unfinished]).toEqual([2, 2]);
    expect(await queue.get()).toEqual(seen.value);
  });

  test('peeks into large items, and at what is undefined', () => {
    const queue = new Class<unknown>();
    const large = Array.from({ length: 5000 }, (_, index) => `text ${index}`);
    queue.tryPut(large);
    expect(queue.peek()).toEqual({ value: large });
    queue.clear();
    queue.tryPut(undefined);
    expect(queue.peek()).toEqual({ value: undefined });
    expect(queue.tryGet()).toEqual({ value: undefined });
  });

  test('fails at once with a time-out of 0, unless it need not wait', async () => {
    const queue = new Class<number>({ capacity: 1, name: 'q' });
    const before = traces(queue);
    expect(await failure(queue.get({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
    expect(thrown(() => queue.getSync({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
    await queue.put(1, { timeout: 0 });
    expect(thrown(() => queue.putSync(2, { timeout: 0 }))).toBeInstanceOf(TimeoutError);
    const error = (await failure(queue.put(2, { timeout: 0 }))) as Error;
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toMatch(/^Cannot put into .*queue "q": it cannot be had at once$/);
    expect(await failure(queue.join({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
    expect(thrown(() => queue.joinSync({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
    expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1, waiting: 0 });
    expect(await queue.get({ timeout: 0 })).toBe(1);
    queue.putSync(3, { timeout: 0 });
    expect(queue.getSync({ timeout: 0 })).toBe(3);
    queue.taskDone();
    queue.taskDone();
    await queue.join({ timeout: 0 });
    queue.joinSync({ timeout: 0 });
    expect(traces(queue)).toEqual(before);
  });

  test('times out, awaiting and blocking, and leaves no trace', async () => {
    const queue = new Class<number>({ capacity: 1 });
    expect(await failure(queue.get({ timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(thrown(() => queue.getSync({ timeout: 1 }))).toBeInstanceOf(TimeoutError);
    queue.tryPut(1);
    expect(await failure(queue.put(2, { timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(thrown(() => queue.putSync(2, { timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(await failure(queue.join({ timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(thrown(() => queue.joinSync({ timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1, waiting: 0 });
    expect(await queue.get()).toBe(1);
    expect(queue.tryGet()).toBe(undefined);
  });

  test('tells a thread that would block for what only it can do, and nothing has changed', () => {
    const queue = new Class<number>({ capacity: 1 });
    expect(thrown(() => queue.getSync())).toBeInstanceOf(DeadlockError);
    queue.putSync(1);
    const before = traces(queue);
    expect(thrown(() => queue.putSync(2))).toBeInstanceOf(DeadlockError);
    expect(thrown(() => queue.joinSync())).toBeInstanceOf(DeadlockError);
    expect(thrown(() => queue.putManySync([2, 3]))).toMatchObject({ count: 0 });
    expect(traces(queue)).toEqual(before);
    expect(queue.statistics()).toMatchObject({ size: 1, waiting: 0, unfinished: 1 });
    expect(queue.getSync()).toBe(1);
    expect(thrown(() => queue.getManySync(2))).toBeInstanceOf(DeadlockError);
  });

  test('has its name in messages and everywhere it is', async () => {
    const queue = new Class<number>({ name: 'orders' });
    expect(queue.name).toBe('orders');
    expect(await pool.submit(queueJobs.nameOf, queue)).toBe('orders');
    expect(new Class().name).toBe(undefined);
    expect('name' in new Class().statistics()).toBe(false);
    expect((thrown(() => queue.taskDone()) as Error).message).toContain('queue "orders"');
  });

  test('is given up by dispose(): every use is refused, as a rejection where a promise is promised', async () => {
    const queue = new Class<number>({ name: 'old' });
    queue.tryPut(1);
    queue[Symbol.dispose]();
    queue[Symbol.dispose]();
    for (const fn of [
      () => queue.putSync(1),
      () => queue.tryPut(1),
      () => queue.getSync(),
      () => queue.tryGet(),
      () => queue.putManySync([1]),
      () => queue.getManySync(1),
      () => queue.taskDone(),
      () => queue.joinSync(),
      () => queue.shutdown(),
      () => queue.clear(),
      () => queue.peek(),
      () => queue.size,
      () => queue.statistics(),
      () => [...queue.valuesSync()],
    ])
      expect(thrown(fn)).toBeInstanceOf(InvalidStateError);
    for (const work of [
      queue.put(1),
      queue.get(),
      queue.putMany([1]),
      queue.getMany(1),
      queue.join(),
      queue.values().next(),
    ])
      expect(await failure(work)).toBeInstanceOf(InvalidStateError);
  });

  test('keeps itself while somebody waits by a handle that was given up', async () => {
    const queue = new Class<number>();
    const copy = await otherHandle(queue);
    const get = queue.get();
    const full = new Class<number>({ capacity: 1 });
    const copyOfFull = await otherHandle(full);
    full.tryPut(1);
    const [put, join] = [full.put(2), full.join()];
    queue[Symbol.dispose]();
    full[Symbol.dispose]();
    copy.tryPut(8);
    expect(copyOfFull.clear()).toBe(1);
    await Promise.all([put, join]);
    const refused = failure(copyOfFull.put(3));
    const other = failure(copy.get());
    copyOfFull.shutdown();
    copy.shutdown();
    expect(await refused).toMatchObject({ code: 'ERR_HEDDLE_QUEUE_SHUT_DOWN' });
    expect(await other).toMatchObject({ code: 'ERR_HEDDLE_QUEUE_SHUT_DOWN' });
    expect(await get).toBe(8);
  });

  test('gives all its items to a getMany() by a handle that was given up meanwhile', async () => {
    const queue = new Class<number>();
    const copy = await otherHandle(queue);
    const waiting = queue.getMany(2);
    queue[Symbol.dispose]();
    copy.tryPut(1);
    copy.tryPut(1);
    expect(await waiting).toEqual([1, 1]);
    expect(copy.statistics()).toMatchObject({ size: 0, waiting: 0 });
    const last = new Class<number>({ capacity: 1 });
    last.tryPut(1);
    const [there, refused] = [last.getMany(2), failure(last.getMany(2))];
    last.shutdown();
    last[Symbol.dispose]();
    expect(await there).toEqual([1]);
    expect(await refused).toMatchObject({ code: 'ERR_HEDDLE_QUEUE_SHUT_DOWN' });
  });

  test('is a class that can be extended, and arrives as what it extends', async () => {
    class Letters extends (Class as typeof Queue)<string> {
      twice(item: string): void {
        this.tryPut(item);
        this.tryPut(item);
      }
    }
    const letters = new Letters();
    letters.twice('a');
    expect(letters.size).toBe(2);
    expect(await pool.submit(queueJobs.getSync, letters)).toBe('a');
    expect(drained(letters)).toEqual(['a']);
  });
});

describe('many at once', () => {
  test('putMany() puts in order, and waits for room in between', async () => {
    const queue = new Queue<number>({ capacity: 2 });
    const putting = queue.putMany(new Set([1, 2, 3, 4, 5]));
    const got = [];
    for (let n = 0; n < 5; n++) got.push(await queue.get());
    await putting;
    expect(got).toEqual([1, 2, 3, 4, 5]);
  });

  test('putMany() takes what it puts from the iterable one by one, as there is room', async () => {
    const queue = new Queue<number>({ capacity: 2 });
    let pulled = 0;
    function* numbers(): Generator<number> {
      for (;;) yield pulled++;
    }
    const putting = queue.putMany(numbers());
    await turn();
    expect([pulled, queue.size]).toEqual([3, 2]);
    await queue.get();
    await turn();
    expect(pulled).toBe(4);
    queue.shutdown({ immediate: true });
    expect(await failure(putting)).toMatchObject({ code: 'ERR_HEDDLE_QUEUE_SHUT_DOWN', count: 3 });
  });

  test('putMany() has one time-out for all, and its error tells how many were put', async () => {
    const queue = new Queue<number>({ capacity: 1 });
    const putting = failure(queue.putMany([1, 2, 3, 4, 5, 6, 7, 8], { timeout: 60 }));
    // Each item that is taken wakes the putter: were the time-out begun anew, it would put them all.
    const began = performance.now();
    const taken = setInterval(() => queue.tryGet(), 25);
    const error = await putting;
    clearInterval(taken);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(performance.now() - began).toBeGreaterThan(55);
    const { count } = error as { count: number };
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(8);
  });

  test('putManySync() does the same, blocking', () => {
    const queue = new Queue<number>({ capacity: 3 });
    queue.putManySync([1, 2]);
    const error = thrown(() => queue.putManySync([3, 4, 5], { timeout: 1 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ count: 1 });
    expect(drained(queue)).toEqual([1, 2, 3]);
  });

  test('putMany() by priority puts all with that one', async () => {
    const queue = new PriorityQueue<string>();
    await queue.putMany(['c', 'd'], { priority: 2 });
    queue.putManySync(['a', 'b'], { priority: 1 });
    expect(await queue.getMany(9)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('putMany() tells how many were put, whatever failed: the iterable, an item, a frozen reason', async () => {
    const queue = new Queue<unknown>();
    function* broken(): Generator<number> {
      yield 1;
      throw new Error('no more');
    }
    expect(await failure(queue.putMany(broken()))).toMatchObject({ message: 'no more', count: 1 });
    expect(await failure(queue.putMany([1, 2, Symbol('no')]))).toMatchObject({ path: 'item', count: 2 });
    const reason = Object.freeze(new Error('frozen'));
    expect(await failure(queue.putMany([1], { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(await failure(queue.putMany([1], { signal: AbortSignal.abort('text') }))).toBe('text');
    for (const wrong of [undefined, 5, {}]) {
      const error = (await failure(queue.putMany(wrong as never))) as Error;
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^items must be iterable, received /);
      expect(thrown(() => queue.putManySync(wrong as never))).toBeInstanceOf(TypeError);
    }
    expect(queue.size).toBe(3);
  });

  test('getMany() waits for one, and takes what is there then, up to so many', async () => {
    const queue = new Queue<number>();
    const waiting = queue.getMany(3);
    expect(await outcomes([waiting])).toEqual(['waits']);
    for (let n = 1; n <= 6; n++) queue.tryPut(n);
    expect(await waiting).toEqual([1, 2, 3]);
    expect(await queue.getMany(2)).toEqual([4, 5]);
    expect(await queue.getMany(100)).toEqual([6]);
    for (const n of [1, 2, 3]) queue.tryPut(n);
    expect(await queue.getMany(Infinity)).toEqual([1, 2, 3]);
    queue.tryPut(7);
    expect(queue.getManySync(Infinity)).toEqual([7]);
    for (let n = 1; n <= 4; n++) queue.tryPut(n);
    expect(queue.getManySync(3)).toEqual([1, 2, 3]);
    expect(queue.getManySync(3)).toEqual([4]);
    expect(thrown(() => queue.getManySync(3, { timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(await failure(queue.getMany(3, { timeout: 1 }))).toBeInstanceOf(TimeoutError);
  });

  test('getMany() takes nothing that another getter waits for', async () => {
    const queue = new Queue<number>();
    const gets = [queue.getMany(5), queue.getMany(5)];
    queue.tryPut(1);
    queue.tryPut(2);
    expect(await Promise.all(gets)).toEqual([[1], [2]]);
  });

  test('what getMany() took must be marked done one by one', async () => {
    const queue = new Queue<number>();
    await queue.putMany([1, 2, 3]);
    await queue.getMany(2);
    queue.taskDone();
    queue.taskDone();
    expect(thrown(() => queue.taskDone())).toBeInstanceOf(InvalidStateError);
    expect(queue.unfinished).toBe(1);
  });
});

describe('bad input', () => {
  test.each([0, -1, 1.5, NaN, -Infinity])('a bound of %d is a RangeError, when made and in use', (bound) => {
    expect(() => new Queue({ capacity: bound })).toThrow(RangeError);
    expect(() => new Queue({ maxBytes: bound })).toThrow(RangeError);
    expect(() => new Queue({ capacity: bound })).toThrow(
      /^capacity must be a whole number of at least 1 or Infinity/,
    );
    const queue = new Queue({ capacity: 5 });
    expect(() => {
      queue.capacity = bound;
    }).toThrow(RangeError);
    expect(queue.capacity).toBe(5);
  });

  test.each([['3'], [null], [{}], [5n]])('a bound of %o is a TypeError', (bound) => {
    expect(() => new Queue({ capacity: bound as never })).toThrow(TypeError);
    expect(() => new Queue({ maxBytes: bound as never })).toThrow(TypeError);
    const queue = new Queue({ capacity: 5 });
    expect(() => {
      queue.capacity = bound as never;
    }).toThrow(TypeError);
    expect(queue.capacity).toBe(5);
  });

  test('options of the wrong kind are refused', async () => {
    expect(() => new Queue(5 as never)).toThrow(TypeError);
    expect(() => new Queue({ name: 5 as never })).toThrow(TypeError);
    const queue = new Queue<number>();
    for (const wrong of [5, 'x', null]) {
      expect(await failure(queue.put(1, wrong as never))).toBeInstanceOf(TypeError);
      expect(await failure(queue.get(wrong as never))).toBeInstanceOf(TypeError);
      expect(await failure(queue.join(wrong as never))).toBeInstanceOf(TypeError);
      expect(() => queue.tryPut(1, wrong as never)).toThrow(TypeError);
      expect(() => queue.shutdown(wrong as never)).toThrow(TypeError);
      expect(() => queue.values(wrong as never)).toThrow(TypeError);
      expect(() => queue.valuesSync(wrong as never)).toThrow(TypeError);
    }
    for (const timeout of [-1, NaN]) {
      expect(await failure(queue.put(1, { timeout }))).toBeInstanceOf(RangeError);
      expect(() => queue.putSync(1, { timeout })).toThrow(RangeError);
      expect(await failure(queue.get({ timeout }))).toBeInstanceOf(RangeError);
      expect(() => queue.getSync({ timeout })).toThrow(RangeError);
      expect(() => queue.joinSync({ timeout })).toThrow(RangeError);
      expect(() => queue.values({ timeout })).toThrow(RangeError);
      expect(await failure(queue.putMany([1], { timeout }))).toBeInstanceOf(RangeError);
    }
    for (const immediate of ['false', 0, null, {}])
      expect(() => queue.shutdown({ immediate: immediate as never })).toThrow(TypeError);
    expect(queue.isShutDown).toBe(false);
    for (const max of [0, -1, 1.5, NaN, -Infinity]) {
      expect(await failure(queue.getMany(max))).toBeInstanceOf(RangeError);
      expect(() => queue.getManySync(max)).toThrow(RangeError);
    }
    expect(await failure(queue.getMany('2' as never))).toBeInstanceOf(TypeError);
    expect(queue.statistics()).toMatchObject({ size: 0, unfinished: 0, waiting: 0 });
  });

  test('a priority must be a number, and only a PriorityQueue takes one', async () => {
    const byPriority = new PriorityQueue<number>();
    expect(await failure(byPriority.put(1, { priority: NaN }))).toBeInstanceOf(RangeError);
    expect(() => byPriority.putSync(1, { priority: NaN })).toThrow(RangeError);
    expect(() => byPriority.tryPut(1, { priority: NaN })).toThrow(RangeError);
    expect(await failure(byPriority.putMany([1], { priority: NaN }))).toBeInstanceOf(RangeError);
    for (const priority of ['1', null, 1n, {}])
      expect(() => byPriority.tryPut(1, { priority: priority as never })).toThrow(TypeError);
    expect(byPriority.size).toBe(0);
    byPriority.tryPut(1, { priority: undefined });
    for (const queue of [new Queue<number>(), new LifoQueue<number>()]) {
      expect(await failure(queue.put(1, { priority: 0 }))).toBeInstanceOf(TypeError);
      expect(() => queue.putSync(1, { priority: 1 })).toThrow(/: use a PriorityQueue$/);
      expect(() => queue.tryPut(1, { priority: 1 })).toThrow(TypeError);
      queue.tryPut(1, { priority: undefined });
      expect(queue.size).toBe(1);
    }
  });

  test('putMany() of nothing is refused by a wrong argument and an aborted signal as any other', async () => {
    const queue = new Queue<number>();
    const reason = new Error('aborted');
    const signal = AbortSignal.abort(reason);
    for (const priority of [1, NaN, '1']) {
      const expected = { name: Number.isNaN(priority) ? 'RangeError' : 'TypeError', count: 0 };
      const options = { priority: priority as never };
      expect(await failure(queue.putMany([], { ...options, signal }))).toMatchObject(expected);
      expect(thrown(() => queue.putManySync([], options))).toMatchObject(expected);
    }
    expect(await failure(queue.putMany([], { signal }))).toBe(reason);
    expect(reason).toMatchObject({ count: 0 });
    await queue.putMany([], { timeout: 0 });
    queue.putManySync([], { timeout: 0 });
  });

  test('a wrong argument comes before an aborted signal, and that before a queue that was shut down', async () => {
    const queue = new PriorityQueue<unknown>({ maxBytes: 100 });
    queue.shutdown();
    const reason = new Error('aborted');
    const signal = AbortSignal.abort(reason);
    const before = traces(queue);
    expect(await failure(queue.put(1, { signal, timeout: -1 }))).toBeInstanceOf(RangeError);
    expect(await failure(queue.put(1, { signal, priority: NaN }))).toBeInstanceOf(RangeError);
    expect(await failure(queue.put(Promise.resolve(), { signal }))).toBeInstanceOf(TypeError);
    expect(await failure(queue.put('x'.repeat(200), { signal }))).toBeInstanceOf(RangeError);
    expect(await failure(queue.put(Symbol('x'), { signal }))).toMatchObject({ code: 'ERR_HEDDLE_SEND' });
    expect(await failure(queue.put(1, { signal }))).toBe(reason);
    expect(await failure(queue.get({ signal }))).toBe(reason);
    expect(await failure(queue.getMany(0, { signal }))).toBeInstanceOf(RangeError);
    expect(await failure(queue.getMany(1, { signal }))).toBe(reason);
    expect(traces(queue)).toEqual(before);
  });
});

/** Lets a thread do what it was told to wait for, without returning to this loop. */
function tellThread(flag: Int32Array): void {
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  Atomics.wait(flag, 2, 0);
}

/** Another handle of the same queue, as it arrives from elsewhere. */
async function otherHandle<T>(queue: Queue<T>): Promise<Queue<T>> {
  const carrier = new Queue<Queue<T>>();
  carrier.tryPut(queue);
  return carrier.get();
}
