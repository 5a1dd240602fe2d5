/** What a thread makes once, and gives up when it ends. */
import { currentThread, perThread, portable } from '../../../src/index.ts';
import { ENDED, raise } from './jobs.ts';

let disposals: Int32Array | undefined;
let creations = 0;

const perLoop: { (): Promise<{ thread: number; nth: number }>; sync(): { thread: number; nth: number } } =
  perThread(
    async () => {
      await Promise.resolve();
      return { thread: currentThread().id, nth: ++creations };
    },
    {
      dispose: () => {
        if (disposals !== undefined) raise(disposals, ENDED);
      },
    },
  );

const perLoopSync: { (): Promise<number>; sync(): number } = perThread(() => ++creations);
let failures = 0;
const failing: { (): Promise<number>; sync(): number } = perThread(() => {
  if (++failures === 1) throw new RangeError('the first time');
  return failures;
});

const functions = {
  async once(words?: Int32Array): Promise<{ thread: number; nth: number }> {
    disposals = words ?? disposals;
    return await perLoop();
  },

  onceSync(): { thread: number; nth: number } {
    return perLoop.sync();
  },

  async twiceAtOnce(): Promise<boolean> {
    const [a, b] = await Promise.all([perLoop(), perLoop()]);
    return a === b && (await perLoop()) === a && perLoop.sync() === a;
  },

  syncCreation(): number[] {
    return [perLoopSync.sync(), perLoopSync.sync()];
  },

  async failOnce(): Promise<string[]> {
    const ends: string[] = [];
    for (let time = 0; time < 2; time++)
      ends.push(await failing().then(String, (error: Error) => error.message));
    return ends;
  },
};

export const perThreadJobs: typeof functions = portable(import.meta, functions);
