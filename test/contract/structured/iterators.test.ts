/** Iterators in tasks: heddle's own, and generators handed to it, are closed before their scope ends. */
import { describe, expect, test } from 'vitest';
import { asCompleted, Queue, shield, sleep, TaskGroup } from '../../../src/index.ts';
import { ENDED, SEEN } from '../executors/jobs.ts';
import { flag, goOn, raised } from '../executors/stand.ts';
import { eachThread, settled, taskOf, turns } from './places.ts';
import { work } from './work.ts';

/** Gives numbers for ever; says when it is closed, which takes a while. */
async function* numbers(log: string[]): AsyncGenerator<number> {
  try {
    for (let n = 0; ; n++) yield n;
  } finally {
    await turns(3);
    log.push('closed');
  }
}

describe('A generator of the user', () => {
  test.each(['break', 'throw', 'cancellation'])(
    'whose loop is left by %s in a cancelled task: its clean-up waits, shielded',
    async (how) => {
      const log: string[] = [];
      await taskOf(async (self) => {
        for await (const n of numbers(log)) {
          if (n < 2) continue;
          self().cancel();
          if (how === 'break') break;
          if (how === 'throw') throw new Error('left');
          await sleep(0);
        }
        log.push('left');
      });
      expect(log).toEqual(how === 'break' ? ['closed', 'left'] : ['closed']);
    },
  );

  test('that waits within sees the cancellation of the task that iterates, and cleans up', async () => {
    const log: string[] = [];
    async function* waiting(): AsyncGenerator<number> {
      try {
        yield 1;
        await sleep(Infinity);
      } catch (error) {
        log.push((error as Error).name);
        throw error;
      } finally {
        await shield(() => turns(2));
        log.push('closed');
      }
    }
    await TaskGroup.run(async (group) => {
      const task = group.spawn(async () => {
        for await (const n of waiting()) log.push(`got ${n}`);
      });
      await turns();
      task.cancel();
      await settled(task);
      log.push(task.status);
    });
    expect(log).toEqual(['got 1', 'CancelledError', 'closed', 'cancelled']);
  });

  test('handed to asCompleted() is read at once and closed', async () => {
    const log: string[] = [];
    function* promises(): Generator<Promise<number>> {
      try {
        yield Promise.resolve(1);
        yield Promise.resolve(2);
      } finally {
        log.push('closed');
      }
    }
    for await (const one of asCompleted(promises())) log.push(`got ${await one}`);
    expect(log).toEqual(['closed', 'got 1', 'got 2']);
  });
});

describe('The iterator of a queue', () => {
  test('left early takes no further item; in a cancelled task it rejects', async () => {
    const queue = new Queue<number>();
    for (const n of [1, 2, 3]) queue.tryPut(n);
    const got: number[] = [];
    const { task } = await taskOf(async (self) => {
      for await (const n of queue) {
        got.push(n);
        if (n === 1) break;
      }
      for await (const n of queue) {
        got.push(n);
        self().cancel();
      }
    });
    expect(got).toEqual([1, 2]);
    expect(task.status).toBe('cancelled');
    expect(queue.size).toBe(1);
    expect(queue.statistics().getters).toBe(0);
  });
});

describe('A map', () => {
  eachThread((place) => {
    test('in a task that is cancelled: running items see it and are awaited, and no more is pulled', async () => {
      const words = [flag(), flag(), flag()];
      let pulled = 0;
      function* inputs(): Generator<Int32Array> {
        for (const one of words) {
          pulled++;
          yield one;
        }
      }
      await TaskGroup.run(async (group) => {
        group.spawn(async () => {
          const options = { buffer: 2, chunkSize: 1 };
          for await (const _ of place().executor.map(work.hold, inputs(), options));
        });
        await Promise.all([raised(words[0]!), raised(words[1]!)]);
        group.cancel();
      });
      expect(words.map((one) => Atomics.load(one, SEEN))).toEqual([1, 1, 0]);
      expect(words.map((one) => Atomics.load(one, ENDED))).toEqual([1, 1, 0]);
      expect(pulled).toBe(2);
    });

    test('whose results outlive their task gives no more: it is over, or says that it was cancelled', async () => {
      const words = flag();
      let results!: AsyncIterableIterator<string>;
      const task = taskOf(async () => {
        results = place().executor.map(work.hold, [words], { chunkSize: 1 });
        await raised(words);
        throw new Error('failed');
      });
      await task;
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
      const [next] = await Promise.allSettled([results.next()]);
      if (next.status === 'fulfilled') expect(next.value.done).toBe(true);
      else expect((next.reason as Error).name).toBe('CancelledError');
    });

    test('that nobody reads any more: its jobs that run are awaited by the end of the task', async () => {
      const words = flag();
      let over = false;
      const running = TaskGroup.run((group) => {
        group.spawn(async () => {
          void place().executor.map(work.giveWhenToldTo, [words], { args: [1] });
          await raised(words);
        });
      }).then(() => (over = true));
      await raised(words);
      await turns();
      expect(over).toBe(false);
      goOn(words);
      await running;
      expect(Atomics.load(words, ENDED)).toBe(1);
    });
  });
});
