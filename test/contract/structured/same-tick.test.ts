/** A result and a cancellation in one tick: what was granted first is had, and nothing is lost. */
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  Event,
  Future,
  type Guard,
  Lock,
  Queue,
  Semaphore,
  sleep,
  TaskGroup,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { blockUntil, ENDED } from '../executors/jobs.ts';
import { flag, goOn, raised } from '../executors/stand.ts';
import { deferred, eachThread, taskOf } from './places.ts';
import { CALLED, work } from './work.ts';

/** Waits whose result and whose cancellation can come in the same tick. `lost` tells what became of what was granted. */
const GRANTED: readonly {
  readonly wait: string;
  begin(): { wait(): PromiseLike<unknown>; grant(): void; isFree(): boolean; granted: unknown };
}[] = [
  {
    wait: 'lock.acquire()',
    begin: () => {
      const lock = new Lock();
      const guard = lock.tryAcquire() as Guard;
      return {
        wait: async () => {
          (await lock.acquire()).release();
          return 'guard';
        },
        grant: () => guard.release(),
        isFree: () => !lock.locked,
        granted: 'guard',
      };
    },
  },
  {
    wait: 'semaphore.acquire()',
    begin: () => {
      const semaphore = new Semaphore(0);
      return {
        wait: async () => {
          (await semaphore.acquire()).release();
          return 'permit';
        },
        grant: () => semaphore.release(),
        isFree: () => semaphore.value === 1,
        granted: 'permit',
      };
    },
  },
  {
    wait: 'queue.get()',
    begin: () => {
      const queue = new Queue<string>();
      let taken = false;
      return {
        wait: async () => {
          const item = await queue.get();
          taken = true;
          return item;
        },
        grant: () => void queue.tryPut('item'),
        isFree: () => queue.size === (taken ? 0 : 1),
        granted: 'item',
      };
    },
  },
  {
    wait: 'event.wait()',
    begin: () => {
      const event = new Event();
      return { wait: () => event.wait(), grant: () => event.set(), isFree: () => true, granted: undefined };
    },
  },
  {
    wait: 'a future',
    begin: () => {
      const { future, resolve } = Future.withResolvers<string>();
      return {
        // `await future` begins to wait a microtask later.
        wait: () => future.result(),
        grant: () => void resolve('result'),
        isFree: () => true,
        granted: 'result',
      };
    },
  },
];

describe('Cancel and result in the same tick', () => {
  test.each(GRANTED)(
    'a wait that was granted first succeeds, the next one rejects: $wait',
    async ({ begin }) => {
      const { wait, grant, isFree, granted } = begin();
      let got: unknown = 'nothing';
      let next: unknown;
      const { task } = await taskOf(async (self) => {
        queueMicrotask(() => {
          grant();
          self().cancel();
        });
        got = await wait();
        next = await failure(sleep(0));
        throw next;
      });
      expect(got).toBe(granted);
      expect(next).toBeInstanceOf(CancelledError);
      expect(task.status).toBe('cancelled');
      expect(isFree()).toBe(true);
    },
  );

  test.each(GRANTED)(
    'a wait that was cancelled first rejects, and nothing is lost: $wait',
    async ({ begin }) => {
      const { wait, grant, isFree } = begin();
      const { task } = await taskOf(async (self) => {
        queueMicrotask(() => {
          self().cancel();
          grant();
        });
        await wait();
      });
      expect(task.status).toBe('cancelled');
      expect(isFree()).toBe(true);
    },
  );

  test('a body that returns in the tick of group.cancel() keeps its value', async () => {
    const wait = deferred();
    const value = await TaskGroup.run(async (group) => {
      queueMicrotask(() => {
        wait.resolve();
        group.cancel();
      });
      await wait.promise;
      return 'value';
    });
    expect(value).toBe('value');
  });

  test('a task that returns in the tick of its cancellation is fulfilled', async () => {
    const wait = deferred();
    const { task } = await taskOf(async (self) => {
      queueMicrotask(() => {
        wait.resolve();
        self().cancel();
      });
      await wait.promise;
      return 'value';
    });
    expect(task.status).toBe('fulfilled');
  });

  eachThread((place) => {
    test('a job that has ended while its loop is busy: the task settles one way, and the job was run once', async () => {
      for (let round = 0; round < 5; round++) {
        const words = flag();
        const { task } = await taskOf(async (self) => {
          const future = place().executor.submit(work.giveWhenToldTo, words, 'value');
          await raised(words);
          goOn(words);
          blockUntil(words, ENDED);
          self().cancel();
          return await future;
        });
        expect(task.status).toBe('cancelled');
        expect(Atomics.load(words, CALLED)).toBe(1);
      }
    });
  });
});
