/** Checks of what tasks and threads share and wait for: queues, semaphores, events and their kin. */
import * as heddle from 'heddle';
import { check, collect, equal, ok, rejection } from './check.mjs';
import * as jobs from './shared-jobs.mjs';

const { Barrier, CapacityLimiter, Condition, Event, Latch, LifoQueue, Lock, Once, PriorityQueue } = heddle;
const { Queue, RLock, RWLock, Semaphore, OwnerDiedError, QueueShutDownError, ThreadDiedError } = heddle;

async function withPool(body, threads = 2) {
  const pool = new heddle.ThreadPoolExecutor({ threads });
  try {
    return await body(pool);
  } finally {
    await pool.shutdown({ cancelPending: true, cancelRunning: true });
  }
}

function words(count = 1) {
  return new Int32Array(new SharedArrayBuffer(4 * count));
}

async function until(condition) {
  while (!condition()) await heddle.sleep(2);
}

const SUM = (500 * 499) / 2;

for (const capacity of [Infinity, 3]) {
  check(`a queue of capacity ${capacity}: from a blocked thread to this loop`, () =>
    withPool(async (pool) => {
      const queue = new Queue({ capacity });
      const producing = pool.submit(jobs.produce, queue, 500);
      const items = await collect(queue);
      await producing;
      equal(items.length, 500);
      equal(items[7], { n: 7, text: 'item 7' });
      equal(
        items.every(({ n }, index) => n === index),
        true,
      );
    }),
  );

  for (const [form, job] of Object.entries({ consume: jobs.consume, consumeAsync: jobs.consumeAsync })) {
    check(`a queue of capacity ${capacity}: from this loop to a thread, ${form}`, () =>
      withPool(async (pool) => {
        const queue = new Queue({ capacity });
        const sum = pool.submit(job, queue);
        for (let n = 0; n < 500; n++) await queue.put({ n });
        queue.shutdown();
        equal(await sum, SUM);
      }),
    );
  }
}

check('items of every kind come through a queue', () =>
  withPool(async (pool) => {
    const [there, back] = [new Queue(), new Queue()];
    const lock = new Lock({ name: 'inside' });
    const items = [
      undefined,
      null,
      -0,
      'text with ümläut and 😀',
      { nested: { list: [1, 'two', null] } },
      new Map([['key', new Set([1])]]),
      new Uint8Array([1, 2, 3]),
      new Date(5),
      12n,
    ];
    const echo = pool.submit(jobs.echo, there, back, items.length + 2);
    for (const item of items) await there.put(item);
    await there.put(new RangeError('wrong', { cause: 'cause' }));
    await there.put({ lock });
    const got = await Promise.all(items.map(() => back.get()));
    await equalDeep(got, items);
    const error = await back.get();
    ok(error instanceof RangeError && error.message === 'wrong' && error.cause === 'cause', String(error));
    const same = (await back.get()).lock;
    const guard = same.acquireSync();
    equal(lock.locked, true, 'the lock that came back is the same');
    guard.release();
    await echo;
  }),
);

async function equalDeep(actual, expected) {
  const { deepStrictEqual } = await import('node:assert');
  deepStrictEqual(actual, expected);
}

check('shared memory in a queue is the same on the other side', () =>
  withPool(async (pool) => {
    const [there, back] = [new Queue(), new Queue()];
    const storing = pool.submit(jobs.store, there, back);
    const mine = words(2);
    await there.put({ words: mine });
    const again = await back.get();
    equal(mine[0], 42);
    again[1] = 7;
    equal(mine[1], 7);
    await storing;
  }),
);

check('a PriorityQueue and a LifoQueue give items in their order', async () => {
  const [urgent, last] = [new PriorityQueue(), new LifoQueue()];
  for (const n of [3, -1, 2.5, 0, 2.5]) {
    await urgent.put(n, { priority: n });
    await last.put(n);
  }
  equal(await urgent.getMany(9), [-1, 0, 2.5, 2.5, 3]);
  equal(await last.getMany(9), [2.5, 0, 2.5, -1, 3]);
});

check('shutdown ends who waits, with its error', async () => {
  const queue = new Queue();
  const waiting = rejection(queue.get(), RangeError);
  queue.shutdown({ error: new RangeError('enough') });
  equal((await waiting).message, 'enough');
  const other = new Queue();
  const usual = rejection(other.get(), QueueShutDownError);
  other.shutdown();
  await usual;
});

check('join is told that a thread died with an item, and goes on', () =>
  withPool(async (pool) => {
    const queue = new Queue();
    await queue.put('lost');
    await rejection(pool.submit(jobs.takeAndEnd, queue), ThreadDiedError);
    await rejection(queue.join(), OwnerDiedError);
    equal(queue.unfinished, 0);
  }),
);

check('permits of a dead thread come back', () =>
  withPool(async (pool) => {
    const semaphore = new Semaphore(1);
    await rejection(pool.submit(jobs.holdAndEnd, semaphore), ThreadDiedError);
    (await semaphore.acquire({ timeout: 10_000 })).release();
    equal(semaphore.value, 1);
  }),
);

for (const [name, lock] of [
  ['RLock', () => new RLock()],
  ['Semaphore', () => new Semaphore(1)],
  ['CapacityLimiter', () => new CapacityLimiter(1)],
]) {
  check(`tasks and blocked threads take turns: ${name}`, () =>
    withPool(async (pool) => {
      const shared = lock();
      const counter = words();
      const there = [1, 2].map(() => pool.submit(jobs.inTurns, shared, counter, 100));
      for (let n = 0; n < 100; n++) await shared.run(() => counter[0]++);
      await Promise.all(there);
      equal(counter[0], 300);
    }),
  );
}

check('an RWLock lets readers share, and a writer in alone', async () => {
  const lock = new RWLock();
  const [one, two] = [await lock.read(), await lock.read()];
  equal(lock.tryWrite(), undefined);
  one.release();
  two.release();
  const writer = await lock.write();
  equal(lock.tryRead(), undefined);
  writer.release();
});

check('an event wakes a blocked thread and a task, though it is cleared at once', () =>
  withPool(async (pool) => {
    const event = new Event();
    const waiting = [pool.submit(jobs.awaitEvent, event), pool.submit(jobs.blockForEvent, event)];
    await until(() => event.statistics().waiting === 2);
    event.set();
    event.clear();
    equal(await Promise.all(waiting), ['awaited', 'blocked']);
  }),
);

check('a latch opens when both threads have counted down', () =>
  withPool(async (pool) => {
    const latch = new Latch(2);
    const counting = [1, 2].map(() => pool.submit(jobs.openLatch, latch));
    await latch.wait({ timeout: 20_000 });
    await Promise.all(counting);
  }),
);

check('a barrier holds both threads until both have come', () =>
  withPool(async (pool) => {
    const [barrier, sums] = [new Barrier(2), words(2)];
    const places = await Promise.all([0, 1].map((me) => pool.submit(jobs.meetOthers, barrier, sums, me)));
    equal(
      places.map(({ sum }) => sum),
      [3, 3],
    );
    equal(places.map(({ place }) => place).sort(), [0, 1]);
  }),
);

check('Once runs once for all threads', () =>
  withPool(async (pool) => {
    const [once, counter] = [new Once(), words()];
    await Promise.all([1, 2, 3].map(() => pool.submit(jobs.once, once, counter)));
    await once.run(() => counter[0]++);
    equal(counter[0], 1);
  }),
);

check('a condition between a blocked thread and a task', () =>
  withPool(async (pool) => {
    const [changed, level] = [new Condition(), words()];
    const filling = pool.submit(jobs.fill, changed, level, 3);
    const guard = await changed.lock.acquire();
    await changed.waitFor(guard, () => level[0] >= 3, { timeout: 20_000 });
    guard.release();
    await filling;
  }),
);

for (const [form, job] of Object.entries({ selectSync: jobs.pickSync, select: jobs.pickAsync })) {
  check(`${form} takes from exactly one`, () =>
    withPool(async (pool) => {
      const [queue, stop] = [new Queue(), new Event()];
      const picking = pool.submit(job, queue, stop);
      for (let n = 0; n < 500; n++) await queue.put(n);
      await until(() => queue.size === 0);
      stop.set();
      equal(await picking, SUM);
    }),
  );
}
