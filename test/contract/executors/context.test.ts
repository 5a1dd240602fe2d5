/** What `context` promises: the named storages' values travel with a job, from wherever it is submitted. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { type Future, outside, sleep, ThreadPoolExecutor } from '../../../src/index.ts';
import { contextJobs, otherTrace, trace, variable } from './context-jobs.ts';
import { jobs } from './jobs.ts';
import { EXECUTORS, eachExecutor, elsewhere, flag, goOn, occupy, pool, THREADED } from './stand.ts';

describe('context', () => {
  eachExecutor(EXECUTORS, ({ threads }, the) => {
    const the1 = () => the().with({ context: [trace] });

    test('the job sees the value of its submitter, before and after its waits', async () => {
      const seen = await trace.run({ id: 'a' }, () => the1().submit(contextJobs.read));
      expect(seen).toEqual([{ id: 'a' }, { id: 'a' }]);
    });

    test('every job its own, at the same time', async () => {
      const ids = Array.from({ length: 10 }, (_, n) => `job ${n}`);
      const seen = await Promise.all(
        ids.map((id) => trace.run({ id }, () => the1().submit(contextJobs.read))),
      );
      expect(seen).toEqual(ids.map((id) => [{ id }, { id }]));
    });

    test('no value, if the submitter has none', async () => {
      await trace.run({ id: 'before' }, () => the1().submit(contextJobs.read));
      expect(await the1().submit(contextJobs.read)).toEqual([undefined, undefined]);
    });

    test('several storages, and only those that are named', async () => {
      const both = await trace.run({ id: 'a' }, () =>
        otherTrace.run(7, () =>
          the()
            .with({ context: [trace, otherTrace] })
            .submit(contextJobs.readBoth),
        ),
      );
      expect(both).toEqual([{ id: 'a' }, 7]);
      if (threads === 0) return;
      const one = await trace.run({ id: 'a' }, () =>
        otherTrace.run(7, () => the1().submit(contextJobs.readBoth)),
      );
      expect(one).toEqual([{ id: 'a' }, undefined]);
    });

    test('for trySubmit() and map() as well', async () => {
      await trace.run({ id: 'a' }, async () => {
        expect(await the1().trySubmit(contextJobs.read)).toEqual([{ id: 'a' }, { id: 'a' }]);
        const seen: unknown[] = [];
        for await (const one of the1().map(contextJobs.read, [1, 2])) seen.push(one);
        expect(seen).toEqual(Array(2).fill([{ id: 'a' }, { id: 'a' }]));
      });
    });

    test('map() has that of its call for every item, wherever and whenever it is read', async () => {
      const items = Array.from({ length: 50 }, (_, n) => n);
      for (const chunkSize of [1, 3, 'auto'] as const) {
        const results = trace.run({ id: 'a' }, () => the1().map(contextJobs.readNow, items, { chunkSize }));
        const seen = new Set<string | undefined>();
        await trace.run({ id: 'reader' }, async () => {
          for await (const id of results) seen.add(id);
        });
        expect([...seen]).toEqual(['a']);
      }
    });

    test('never changes that of the caller', async () => {
      await trace.run({ id: 'caller' }, async () => {
        await the().submit(contextJobs.read);
        expect(trace.getStore()).toEqual({ id: 'caller' });
        the()
          .submit(jobs.nothing)
          .addDoneCallback(() => {});
        await sleep(0);
        expect(trace.getStore()).toEqual({ id: 'caller' });
      });
    });
  });

  eachExecutor(THREADED, ({ threads }, the) => {
    const the1 = () => the().with({ context: [trace] });

    test('is taken at the call', async () => {
      const { release, done } = await occupy(the(), threads);
      const store = { id: 'before' };
      const seen = trace.run(store, () =>
        the()
          .with({ context: [trace] })
          .submit(contextJobs.read),
      );
      store.id = 'after';
      release();
      expect((await seen)[0]).toEqual({ id: 'before' });
      await done;
    });

    test('for submitSync() as well', () => {
      const seen = trace.run({ id: 'a' }, () =>
        the()
          .with({ context: [trace] })
          .submitSync(contextJobs.read),
      );
      expect(seen).toEqual([{ id: 'a' }, { id: 'a' }]);
    });

    test('for mapSync() as well, wherever it is read', () => {
      const items = Array.from({ length: 50 }, (_, n) => n);
      const results = trace.run({ id: 'a' }, () => the1().mapSync(contextJobs.readNow, items));
      expect([...new Set(trace.run({ id: 'reader' }, () => [...results]))]).toEqual(['a']);
    });

    test('a value that cannot be sent is refused', async () => {
      const refused = trace.run(new WeakMap() as never, () =>
        the()
          .with({ context: [trace] })
          .submit(contextJobs.read),
      );
      await expect(refused).rejects.toThrow('WeakMap cannot be sent');
    });
  });

  test('from a job in another thread, on to the next', async () => {
    const one = pool();
    const seen = await trace.run({ id: 'far' }, () =>
      elsewhere()
        .with({ context: [trace] })
        .submit(contextJobs.pass, one),
    );
    expect(seen).toEqual([{ id: 'far' }, { id: 'far' }]);
  });

  test('whatever has run and get', async () => {
    const one = pool();
    const seen = await variable.run('v', () =>
      one.with({ context: [variable] }).submit(contextJobs.readVariable),
    );
    expect(seen).toBe('v');
  });

  test('jobs of a pool do not see what a thread was made in', async () => {
    const storage = new AsyncLocalStorage<string>();
    const words = flag();
    goOn(words);
    const one = await storage.run('maker', async () => {
      const made = pool();
      await made.submit(jobs.nothing);
      return made;
    });
    expect(await outside(() => one.submit(jobs.add, 1, 1))).toBe(2);
    expect(storage.getStore()).toBe(undefined);
  });
});

describe('what a job has in its context stays with it', () => {
  test.each([
    ['one at a time', 1],
    ['four at a time', 4],
  ])('while others run in its thread, %s', async (_, concurrency) => {
    await using two = new ThreadPoolExecutor({ threads: 2, concurrency });
    for (const way of ['await', 'sync', 'in place', 'map'] as const) {
      const around: Future<unknown[]>[] = [];
      const others: Future<unknown>[] = [];
      for (let round = 0; round < 20; round++) {
        around.push(two.submit(contextJobs.surround, two, way));
        others.push(two.submit(contextJobs.readNow, round));
      }
      expect(new Set(await Promise.all(others))).toEqual(new Set([undefined]));
      expect(new Set((await Promise.all(around)).flat())).toEqual(new Set([undefined]));
    }
  });

  test('though it has entered it, and not left', async () => {
    await using one = new ThreadPoolExecutor({ threads: 1 });
    for (const enter of [contextJobs.enter, contextJobs.enterLater]) {
      const jobs = [one.submit(enter), one.submit(contextJobs.readNow, 1), one.submit(enter)];
      await Promise.all(jobs);
      expect([await jobs[1], await one.submit(contextJobs.readNow, 1)]).toEqual([undefined, undefined]);
    }
  });
});
