/** Programs that end while there is work. `node end-program.ts <scenario> <folder>` */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  defaultPool,
  Event,
  Future,
  isMainThread,
  portable,
  run,
  sleep,
  ThreadPoolExecutor,
  toThread,
} from '../../../src/index.ts';

const jobs: {
  write(path: string): Promise<void>;
  quick(n: number): number;
  forever(): never;
  slow(): Promise<string>;
  hang(): Promise<never>;
} = portable(import.meta, {
  /** Writes a file in two halves; the second is its clean-up. */
  async write(path: string): Promise<void> {
    const file = openSync(path, 'w');
    writeSync(file, 'first half, ');
    try {
      console.log('half');
      await sleep(Infinity);
    } finally {
      writeSync(file, 'second half');
      closeSync(file);
    }
  },
  quick(n: number): number {
    return n + 1;
  },
  forever(): never {
    for (;;);
  },
  async slow(): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, 200));
    return 'settled';
  },
  hang(): Promise<never> {
    return new Promise(() => {});
  },
});

const scenarios: Record<string, (folder: string) => unknown> = {
  /** A signal while a job is in the middle of a file. */
  signal: (folder) =>
    run(async () => {
      await toThread(jobs.write, join(folder, 'signal.txt'));
    }),

  /** main returns while a job of its is in the middle of a file. */
  leave: (folder) =>
    run(async () => {
      const pool = new ThreadPoolExecutor({ threads: 1 });
      pool.submit(jobs.write, join(folder, 'leave.txt')).catch(() => {});
      while (pool.statistics().running === 0) await sleep(1);
      await sleep(50);
    }),

  /** Nobody waits, yet the process stays until the job has settled. */
  pending: () => {
    toThread(jobs.slow).then(console.log, console.log);
  },

  /** An idle pool holds no process. */
  idle: async () => {
    const pool = new ThreadPoolExecutor({ threads: { min: 1, max: 2 }, idleTimeout: Infinity });
    console.log(await pool.submit(jobs.quick, 1));
    await toThread(jobs.quick, 1);
  },

  exit: async () => {
    void toThread(jobs.forever).catch(() => {});
    while (defaultPool().statistics().running === 0) await sleep(1);
    process.exit(7);
  },

  /** Ctrl-C while main is blocked. */
  blockedEvent: () => {
    process.on('SIGINT', () => {});
    console.log('blocked');
    new Event().waitSync({ timeout: 60_000 });
  },
  blockedJob: async () => {
    const { toThreadSync } = await import('../../../src/index.ts');
    console.log('blocked');
    toThreadSync(jobs.hang);
  },
  blockedResult: () => {
    const future = toThread(jobs.hang);
    console.log('blocked');
    future.resultSync({ timeout: 60_000 });
  },

  /** A future that nothing can settle any more. */
  unsettled: async () => {
    const { future } = Future.withResolvers<number>();
    await future;
  },
};

if (isMainThread) {
  const [scenario = '', folder = ''] = process.argv.slice(2);
  await scenarios[scenario]!(folder);
}
