/**
 * A program that a signal may end at any moment: tasks and jobs that write files, poll, wait, and put into and get from a
 * queue, each with clean-up. `node signals-program.ts <folder> <seed> <variant>`
 *
 * What has begun and what has been cleaned up stands in the file `log` of the folder, written synchronously; the same
 * stages are printed, for who sends the signal.
 */
import { createHash } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync, closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import {
  type CancelledError,
  cancelled,
  type Guard,
  isMainThread,
  Lock,
  portable,
  Queue,
  QueueShutDownError,
  run,
  shield,
  sleep,
  TaskGroup,
  ThreadPoolExecutor,
  throwIfCancelled,
} from '../../src/index.ts';
import { type Random, seeded } from './random.ts';

/**
 * `plain`: all clean-up is short. `deaf`: a job spins and does not ask whether it is cancelled. `stubborn`: the clean-up of
 * main never ends.
 */
export type Variant = 'plain' | 'deaf' | 'stubborn';

/** What a deaf job is given before its thread is terminated. */
export const SHUTDOWN_TIMEOUT: Readonly<Record<Variant, number>> = {
  plain: 30_000,
  deaf: 3000,
  stubborn: 30_000,
};

/** In the order in which they are reached. */
export const STAGES = ['loaded', 'inside', 'half', 'ending', 'over'] as const;
export type Stage = (typeof STAGES)[number];

/** The first line of a file tells what the rest must be. */
export function contents(random: Random): Buffer {
  const body = Buffer.alloc(random.integer(1, 100_000), `${random.integer(0, 2 ** 31)} `);
  const sum = createHash('sha256').update(body).digest('hex');
  return Buffer.concat([Buffer.from(`${JSON.stringify({ length: body.length, sum })}\n`), body]);
}

const note = (folder: string, line: string): void => appendFileSync(join(folder, 'log'), `${line}\n`);
const begin = (folder: string, what: string): void => note(folder, `+ ${what}`);
const cleanedUp = (folder: string, what: string): void => note(folder, `- ${what}`);

const functions = {
  /** Works without a pause, asks whether it is cancelled, and writes what it found. */
  compute(folder: string, what: string, seed: number): void {
    begin(folder, what);
    const temporary = join(folder, `${what}.tmp`);
    try {
      const random = seeded(seed);
      let hash = Buffer.alloc(32);
      for (let step = 0; step < 200; step++) {
        if (cancelled()) break;
        for (let time = 0; time < 30; time++) hash = createHash('sha256').update(hash).digest();
      }
      throwIfCancelled();
      const file = openSync(temporary, 'wx');
      try {
        writeSync(file, contents(random));
        throwIfCancelled();
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, join(folder, `${what}.whole`));
    } finally {
      rmSync(temporary, { force: true });
      cleanedUp(folder, what);
    }
  },

  /** Waits in its thread, and so does its clean-up. */
  async rest(folder: string, what: string, ms: number): Promise<void> {
    begin(folder, what);
    try {
      await sleep(ms);
    } finally {
      await shield(() => sleep(1));
      cleanedUp(folder, what);
    }
  },

  /** Blocks its thread whenever the queue is full. */
  feed(folder: string, what: string, queue: Queue<number>, count: number): void {
    begin(folder, what);
    try {
      for (let item = 0; item < count; item++) queue.putSync(item);
      queue.shutdown();
    } finally {
      cleanedUp(folder, what);
    }
  },

  deaf(): never {
    for (;;);
  },
};

const jobs: typeof functions = portable(import.meta, functions);

const WRITERS = 3;
const ROUNDS = 6;

class Program {
  readonly #folder: string;
  readonly #random: Random;
  readonly #variant: Variant;
  readonly #lock = new Lock();

  constructor(folder: string, seed: number, variant: Variant) {
    this.#folder = folder;
    this.#random = seeded(seed);
    this.#variant = variant;
  }

  reach(stage: Stage): void {
    note(this.#folder, stage);
    writeSync(1, `${stage}\n`);
  }

  async main(signal: AbortSignal): Promise<void> {
    this.reach('inside');
    const tell = (): void => note(this.#folder, `cancelled by ${(signal.reason as CancelledError).cause}`);
    signal.addEventListener('abort', tell, { once: true });
    begin(this.#folder, 'main');
    try {
      await this.#work();
      this.reach('ending');
    } finally {
      await shield(() => sleep(this.#variant === 'stubborn' ? Infinity : 2));
      cleanedUp(this.#folder, 'main');
    }
  }

  async #work(): Promise<void> {
    const folder = this.#folder;
    const random = this.#random;
    const pool = new ThreadPoolExecutor({ threads: 2, concurrency: 2 });
    const queue = new Queue<number>({ capacity: 4 });
    if (this.#variant === 'deaf') new ThreadPoolExecutor({ threads: 1 }).submit(jobs.deaf).catch(() => {});
    await TaskGroup.run((group) => {
      let writing = WRITERS;
      for (let writer = 0; writer < WRITERS; writer++)
        group.spawn(async () => {
          for (let round = 0; round < ROUNDS; round++) await this.#write(`file-${writer}-${round}`);
          if (--writing === 0) this.reach('half');
        });
      group.spawn(() => this.#drain(queue));
      group.spawn(() => pool.submit(jobs.feed, folder, 'feed', queue, 200));
      for (let index = 0; index < 8; index++) {
        const seed = random.integer(0, 2 ** 31);
        group.spawn(() => pool.submit(jobs.compute, folder, `compute-${index}`, seed));
        group.spawn(() => pool.submit(jobs.rest, folder, `rest-${index}`, seed % 40));
      }
    });
    if (this.#variant === 'stubborn') await sleep(Infinity);
  }

  /** Half of the files one at a time. */
  async #write(what: string): Promise<void> {
    const folder = this.#folder;
    const random = this.#random;
    const temporary = join(folder, `${what}.tmp`);
    let guard: Guard | undefined;
    begin(folder, what);
    try {
      guard = random.chance(0.5) ? await this.#lock.acquire() : undefined;
      const file = await open(temporary, 'wx');
      try {
        const text = contents(random);
        for (let at = 0; at < text.length; at += 20_000) {
          await file.write(text.subarray(at, at + 20_000));
          await sleep(random.integer(0, 2));
        }
        await file.sync();
      } finally {
        await file.close();
      }
      throwIfCancelled();
      await rename(temporary, join(folder, `${what}.whole`));
    } finally {
      await shield(async () => {
        await sleep(random.integer(0, 2));
        await rm(temporary, { force: true });
      });
      guard?.release();
      cleanedUp(folder, what);
    }
  }

  async #drain(queue: Queue<number>): Promise<void> {
    begin(this.#folder, 'drain');
    let expected = 0;
    try {
      for (;;) {
        const item = await queue.get();
        if (item !== expected++) note(this.#folder, `! item ${item} came instead of ${expected - 1}`);
      }
    } catch (error) {
      if (!(error instanceof QueueShutDownError)) throw error;
    } finally {
      cleanedUp(this.#folder, 'drain');
    }
  }
}

if (isMainThread && process.argv[1] === import.meta.filename) {
  const [folder = '', seed, variant] = process.argv.slice(2) as [string, string, Variant];
  const alive = new Set<Worker>();
  subscribe('worker_threads', (message) => {
    const { worker } = message as { worker: Worker };
    alive.add(worker);
    worker.prependOnceListener('exit', () => alive.delete(worker));
  });
  process.on('exit', () => note(folder, `threads ${alive.size}`));
  const program = new Program(folder, Number(seed), variant);
  program.reach('loaded');
  await run((signal) => program.main(signal), { shutdownTimeout: SHUTDOWN_TIMEOUT[variant] });
  program.reach('over');
}
