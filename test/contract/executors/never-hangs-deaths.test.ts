/** A thread that ends unasked, at any moment: who waits is told, and the executor goes on or says that it cannot. */
import { subscribe } from 'node:diagnostics_channel';
import type { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { EventLoopThread, type Executor, ThreadDiedError } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { FAULTS, type Fault, faults, INITIALIZERS } from './fault-jobs.ts';
import { BEGUN, jobs, until } from './jobs.ts';
import { flag, loopThread, pool } from './stand.ts';

const LIMIT = 15_000;
const resourceLimits = { maxOldGenerationSizeMb: 24 };
/** That somebody terminated a worker behind heddle's back looks like an exit from outside. */
const REASONS: Record<Fault, unknown> = {
  exit: 'exit',
  crash: 'error',
  memory: 'memory',
  terminated: expect.stringMatching(/^(?:terminated|exit)$/),
};

const workers = new Map<number, Worker>();
let latest: Worker | undefined;
subscribe('worker_threads', (message) => {
  const { worker } = message as { worker: Worker };
  latest = worker;
  workers.set(worker.threadId, worker);
});

async function terminate(id: number): Promise<void> {
  await workers.get(id)!.terminate();
}

/** Ends from outside the thread that has told its number. */
async function terminateTold(fault: Fault, words: Int32Array): Promise<void> {
  if (fault !== 'terminated') return;
  await until(() => Atomics.load(words, BEGUN) !== 0, 'the job has begun');
  await terminate(Atomics.load(words, BEGUN));
}

for (const scheduling of ['shared', 'stealing'] as const)
  describe(`A pool thread, scheduling ${scheduling}`, () => {
    test.each(FAULTS)('during a job: %s', { timeout: LIMIT }, async (fault) => {
      const one = pool({ scheduling, resourceLimits });
      const words = flag();
      const future = one.submit(faults.during, fault, words);
      const queued = one.submit(jobs.add, 1, 1);
      await terminateTold(fault, words);
      expect(await failure(future)).toMatchObject({ name: 'ThreadDiedError', reason: REASONS[fault] });
      expect(await queued).toBe(2);
    });

    test.each(FAULTS.filter((fault) => fault !== 'crash'))(
      'while it sends its result: %s',
      { timeout: LIMIT },
      async (fault) => {
        const one = pool({ scheduling, resourceLimits });
        const words = flag();
        const future = one.submit(faults.sending, fault, words);
        await terminateTold(fault, words);
        expect(await failure(future)).toBeInstanceOf(ThreadDiedError);
        expect(await one.submit(jobs.add, 1, 1)).toBe(2);
      },
    );

    test.each(FAULTS)('after a job, before the next: %s', { timeout: LIMIT }, async (fault) => {
      const one = pool({ scheduling, resourceLimits });
      const id = await one.submit(faults.workerId);
      expect(await one.submit(faults.after, fault)).toBe('answered');
      const ended = fault === 'terminated' ? terminate(id) : undefined;
      // The next may have been taken by the thread that ends: then it is told.
      const [next] = await Promise.allSettled([one.submit(jobs.add, 1, 1)]);
      if (next.status === 'fulfilled') expect(next.value).toBe(2);
      else expect(next.reason).toBeInstanceOf(ThreadDiedError);
      await ended;
      let now = id;
      while (now === id) {
        const [asked] = await Promise.allSettled([one.submit(faults.workerId)]);
        if (asked.status === 'fulfilled') now = asked.value;
      }
      expect(await one.submit(jobs.add, 1, 1)).toBe(2);
    });

    test.each(FAULTS)('while it is idle, long before the next job: %s', { timeout: LIMIT }, async (fault) => {
      const one = pool({ scheduling, resourceLimits });
      const id = await one.submit(faults.workerId);
      await one.submit(faults.after, fault);
      if (fault === 'terminated') await terminate(id);
      const worker = workers.get(id)!;
      if (worker.threadId !== -1) await new Promise((resolve) => worker.once('exit', resolve));
      await until(() => one.size === 0 || one.statistics().idle > 0, 'the pool has noticed');
      expect(await one.submit(jobs.add, 1, 1)).toBe(2);
    });

    test.each(FAULTS)('while it starts: %s', { timeout: LIMIT }, async (fault) => {
      await pool().submit(jobs.nothing);
      const before = latest;
      const one = pool({ scheduling, resourceLimits, initializer: INITIALIZERS[fault] });
      const future = one.submit(jobs.add, 1, 1);
      const told = failure(future);
      if (fault === 'terminated') {
        // As often as it is started again, until the pool gives up.
        let ended = false;
        void told.then(() => {
          ended = true;
        });
        let last = before;
        await until(() => {
          if (latest !== last) {
            last = latest;
            void last?.terminate();
          }
          return ended;
        }, 'the job is told');
      }
      expect((await told) as { code: string }).toHaveProperty(
        'code',
        expect.stringMatching(/THREAD_DIED|BROKEN_POOL/),
      );
      await one.shutdown({ cancelPending: true, cancelRunning: true });
    });

    test('while a thread blocks on its job: told, too', { timeout: LIMIT }, () => {
      const one = pool({ scheduling });
      expect(() => one.submitSync(jobs.exit, 3)).toThrow(ThreadDiedError);
      expect(one.submitSync(jobs.add, 1, 1)).toBe(2);
    });

    test('while shutdown awaits it', { timeout: LIMIT }, async () => {
      const one = pool({ scheduling });
      const words = flag();
      const future = one.submit(faults.during, 'terminated', words);
      await until(() => Atomics.load(words, BEGUN) !== 0);
      const closing = one.shutdown();
      await terminate(Atomics.load(words, BEGUN));
      await expect(future).rejects.toBeInstanceOf(ThreadDiedError);
      await closing;
      expect(one.size).toBe(0);
    });
  });

describe('A loop thread', () => {
  const begun = async (loop: Executor): Promise<readonly [Promise<unknown>, Int32Array]> => {
    const words = flag();
    const held = failure(loop.submit(jobs.holdDeaf, words));
    await until(() => Atomics.load(words, BEGUN) !== 0);
    return [held, words];
  };

  test.each(['exit', 'crash', 'terminated'] as const)(
    'during its jobs: %s',
    { timeout: LIMIT },
    async (fault) => {
      const loop = await loopThread();
      const [held] = await begun(loop);
      const words = flag();
      const future = loop.submit(faults.during, fault, words);
      await terminateTold(fault, words);
      for (const error of await Promise.all([failure(future), held, failure(loop.stopped)]))
        expect(error).toMatchObject({ name: 'ThreadDiedError', reason: REASONS[fault] });
      expect(await failure(loop.submit(jobs.nothing))).toHaveProperty(
        'code',
        expect.stringMatching(/THREAD_DIED|SHUT_DOWN/),
      );
    },
  );

  test.each(['exit', 'terminated'] as const)(
    'while it sends its result: %s',
    { timeout: LIMIT },
    async (fault) => {
      const loop = await loopThread();
      const words = flag();
      const future = loop.submit(faults.sending, fault, words);
      await terminateTold(fault, words);
      await expect(future).rejects.toBeInstanceOf(ThreadDiedError);
      await expect(loop.stopped).rejects.toBeInstanceOf(ThreadDiedError);
    },
  );

  test.each(['exit', 'crash'] as const)('while it starts: %s', { timeout: LIMIT }, async (fault) => {
    const error = await failure(EventLoopThread.start({ initializer: INITIALIZERS[fault] }));
    expect(error).toMatchObject({ name: 'ThreadDiedError', reason: REASONS[fault] });
  });

  test('while stop() awaits it', { timeout: LIMIT }, async () => {
    const loop = await loopThread();
    const words = flag();
    const future = loop.submit(faults.during, 'terminated', words);
    await until(() => Atomics.load(words, BEGUN) !== 0);
    const [stopping] = [Promise.allSettled([loop.stop()])];
    await terminate(Atomics.load(words, BEGUN));
    await expect(future).rejects.toBeInstanceOf(ThreadDiedError);
    await stopping;
    await expect(loop.stopped).rejects.toBeInstanceOf(ThreadDiedError);
    expect(loop.closed).toBe(true);
  });
});
