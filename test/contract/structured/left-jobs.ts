/** Jobs that leave something behind, and jobs that are runs of their own. */
import { cancelled, currentTask, portable, run, sleep } from '../../../src/index.ts';
import { BEGUN, ENDED, raise, SEEN, until } from '../executors/jobs.ts';

const functions = {
  /** Answers at once; what goes on afterwards says whether it is of a task. */
  leaveTimer(words: Int32Array): string {
    raise(words, BEGUN);
    setTimeout(async () => {
      await until(() => Atomics.load(words, 1) !== 0, 'the word to go on');
      await sleep(0);
      Atomics.store(words, SEEN, currentTask() === undefined && !cancelled() ? 1 : 2);
      raise(words, ENDED);
    });
    return 'left';
  },

  /** A run of its own, in that thread. */
  async runThere(value: number): Promise<readonly [number, string | undefined]> {
    return await run(async () => {
      await sleep(0);
      return [value, currentTask()?.name] as const;
    });
  },
};

export const leftJobs: typeof functions = portable(import.meta, functions);
