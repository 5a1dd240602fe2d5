/** Jobs that wait by Node's and the DOM's own means, with the signal of their task. */
import { setTimeout as timer } from 'node:timers/promises';
import { currentTask, isCancelled, portable, TaskGroup } from '../../../src/index.ts';
import { BEGUN, ENDED, raise, SEEN } from '../executors/jobs.ts';

async function watch(words: Int32Array, wait: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  raise(words, BEGUN);
  try {
    await wait(currentTask()!.signal);
  } catch (error) {
    Atomics.store(words, SEEN, isCancelled(error) ? 1 : 2);
    throw error;
  } finally {
    raise(words, ENDED);
  }
}

const functions = {
  timer: (words: Int32Array): Promise<void> => watch(words, (signal) => timer(60_000, undefined, { signal })),

  fetch: (words: Int32Array, url: string): Promise<void> => watch(words, (signal) => fetch(url, { signal })),

  group: (words: Int32Array): Promise<void> =>
    watch(words, () =>
      TaskGroup.run((group) => {
        group.spawn((signal) => timer(60_000, undefined, { signal }));
        group.spawn(() => timer(60_000, undefined, { signal: group.signal }));
      }),
    ),
};

export const abortJobs: typeof functions = portable(import.meta, functions);
