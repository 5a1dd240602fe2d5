/** Checks of values that are more than data: objects of classes, callbacks, signals, tables, iterables, streams. */
import * as heddle from 'heddle';
import { check, collect, equal, ok } from './check.mjs';
import { jobs, Point, Secret } from './crossing-jobs.mjs';

const { callback, Event, Shared, toThread } = heddle;

check('objects of registered classes keep their class, by fields and by a codec', async () => {
  const point = await toThread(jobs.scaled, new Point(3, 4), 2);
  ok(point instanceof Point, 'it is a Point');
  equal(point.length, 10);
  equal((await toThread(jobs.louder, new Secret('a'))).reveal(), 'a!');
});

check('calls of a callback arrive in order, all before the job settles', async () => {
  const seen = [];
  await toThread(
    jobs.count,
    100,
    callback((n) => seen.push(n)),
  );
  equal(
    seen,
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});

check('a signal aborts there, for who listens and for who looks', async () => {
  for (const job of [jobs.listen, jobs.look]) {
    const controller = new AbortController();
    const began = new Event();
    const future = toThread(job, controller.signal, began);
    await began.wait();
    controller.abort('enough');
    equal(await future, 'enough');
  }
});

check('a table is read in a thread, and is frozen', async () => {
  const table = new Shared({ rows: [1, 2, 3] });
  equal(await toThread(jobs.total, table), 6);
  equal(await toThread(jobs.change, table), 'TypeError');
});

check('iterables are read there, and here, and closed where who reads leaves early', async () => {
  let closed = false;
  async function* numbers() {
    try {
      for (let n = 1; ; n++) yield n;
    } finally {
      closed = true;
    }
  }
  const doubled = await toThread(jobs.doubled, numbers());
  const taken = [];
  for await (const n of doubled) if (taken.push(n) === 3) break;
  equal(taken, [2, 4, 6]);
  while (!closed) await heddle.sleep(1);
  equal(await toThread(jobs.sumSync, [1, 2, 3].values()), 6);
});

check('a ReadableStream goes through a thread and back', async () => {
  const stream = new ReadableStream({
    start(controller) {
      for (const n of [1, 2, 3]) controller.enqueue(n);
      controller.close();
    },
  });
  equal(await collect(await toThread(jobs.doubledStream, stream)), [2, 4, 6]);
});
