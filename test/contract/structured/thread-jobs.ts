/** Jobs that are structured themselves. */
import { portable, TaskGroup, type ThreadPoolExecutor } from '../../../src/index.ts';
import { COUNT, SEEN } from '../executors/jobs.ts';
import { CALLED, work } from './work.ts';

const functions = {
  /** A group whose tasks all fail. */
  async failingGroup(messages: readonly string[]): Promise<void> {
    await TaskGroup.run(
      (group) => {
        for (const message of messages)
          group.spawn(() => {
            throw new RangeError(message);
          });
      },
      { onFailure: 'collect' },
    );
  },

  /** Waits at the first flag, and has a job of the pool wait at the next, and so on. */
  async submitDeep(pool: ThreadPoolExecutor, words: readonly Int32Array[]): Promise<void> {
    const [first, ...rest] = words;
    await TaskGroup.run((group) => {
      if (rest.length > 0) group.spawn(() => pool.submit(threadJobs.submitDeep, pool, rest));
      group.spawn(() => work.hold(first!));
    });
  },

  /** Meets others of its kind as long as there are fewer than two; keeps the most that ran at once. */
  async countRunning(words: Int32Array): Promise<void> {
    Atomics.add(words, CALLED, 1);
    const running = Atomics.add(words, COUNT, 1) + 1;
    let most = Atomics.load(words, SEEN);
    while (running > most) most = Atomics.compareExchange(words, SEEN, most, running);
    // Until the second has been there once.
    for (let turns = 0; Atomics.load(words, SEEN) < 2 && turns < 100_000; turns++)
      await new Promise((resolve) => setImmediate(resolve));
    Atomics.sub(words, COUNT, 1);
  },
};

export const threadJobs: typeof functions = portable(import.meta, functions);
