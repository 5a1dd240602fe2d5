/**
 * A fixed number of threads that die at random moments, each replaced at once by a new one: raw Workers, which heddle
 * has not started. A thread is terminated while it starts or works, calls `process.exit()`, or throws where nobody
 * catches; each says beforehand that it will (`Arena.willDie`).
 */
import { Worker } from 'node:worker_threads';
import type { Arena, ArenaShape } from './arena.ts';
import { dumpHeap } from './heap-watch.ts';
import type { Random } from './random.ts';

/** How the thread will end by itself, if it does. */
export type OwnDeath = 'exit' | 'throw';

export interface MortalData<T> {
  readonly arena: ArenaShape;
  readonly slot: number;
  readonly thread: number;
  readonly seed: number;
  readonly death: OwnDeath | undefined;
  /** After so many operations. */
  readonly deathAfter: number;
  readonly work: T;
}

export interface MortalOptions<T> {
  readonly arena: Arena;
  readonly random: Random;
  /** The module of the threads. */
  readonly file: string;
  /** For each slot. */
  work(slot: number): T;
  /** The longest life of a thread once it works, in milliseconds, if it is terminated. */
  readonly lifetime: number;
  /** Called when a thread has ended. */
  ended?(slot: number): void;
}

/** A thread without progress for so long hangs. */
const HANGS_AFTER = 60_000;

export class Mortals<T> {
  readonly #options: MortalOptions<T>;
  readonly #slots: Promise<void>[] = [];
  readonly #deaths: Record<string, number> = {};
  readonly #seen: { done: number; at: number; began: boolean }[] = [];
  readonly #watch: NodeJS.Timeout;
  #thread = 0;
  #stopping = false;
  #fail!: (error: Error) => void;
  readonly #failed: Promise<never>;
  readonly #living = new Set<Worker>();

  constructor(options: MortalOptions<T>) {
    this.#options = options;
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => {
      this.#stopping = true;
      for (const worker of this.#living) void worker.terminate();
    });
    for (let slot = 0; slot < options.arena.shape.slots; slot++) {
      this.#seen.push({ done: 0, at: performance.now(), began: false });
      this.#slots.push(this.#fill(slot));
    }
    this.#watch = setInterval(() => this.#lookForHangs(), 250);
  }

  /** By what, and how many. */
  get deaths(): Readonly<Record<string, number>> {
    return this.#deaths;
  }

  get count(): number {
    return Object.values(this.#deaths).reduce((sum, n) => sum + n, 0);
  }

  /** Lets deaths go on for so long. Rejects at the first fault. */
  async goOn(milliseconds: number, atMost: number = Infinity): Promise<void> {
    const end = performance.now() + milliseconds;
    while (performance.now() < end && this.count < atMost)
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), this.#failed]);
  }

  /** Tells the threads that live to come to an end, and waits for them. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#options.arena.stop();
    try {
      await Promise.race([Promise.all(this.#slots), this.#failed]);
      this.#lookForFaults();
      await Promise.race([Promise.resolve(), this.#failed]);
    } finally {
      clearInterval(this.#watch);
      this.#fail(new Error('over'));
    }
  }

  async #fill(slot: number): Promise<void> {
    while (!this.#stopping) {
      await this.#live(slot);
      this.#options.ended?.(slot);
    }
  }

  async #live(slot: number): Promise<void> {
    const { arena, random, file, work, lifetime } = this.#options;
    const thread = ++this.#thread;
    const way = random.pick(['at start', 'terminate', 'terminate', 'terminate', 'exit', 'throw'] as const);
    const own = way === 'exit' || way === 'throw' ? way : undefined;
    const data: MortalData<T> = {
      arena: arena.shape,
      slot,
      thread,
      seed: random.integer(0, 2 ** 31),
      death: own,
      deathAfter: random.integer(0, 200),
      work: work(slot),
    };
    const seen = this.#seen[slot]!;
    seen.began = false;
    seen.at = performance.now();
    const worker = new Worker(file, { workerData: data, stdout: true, stderr: true });
    this.#living.add(worker);
    let cause = 'end';
    const end = (): void => {
      // Whoever has been told to come to an end is left to.
      if (this.#stopping) return;
      cause = way;
      arena.willDie(thread);
      void worker.terminate();
    };
    const timers: NodeJS.Timeout[] = [];
    if (way === 'at start') timers.push(setTimeout(end, random.integer(0, 120)));
    worker.once('message', () => {
      seen.began = true;
      seen.at = performance.now();
      if (way === 'terminate') timers.push(setTimeout(end, random.integer(0, lifetime)));
    });
    worker.once('error', (error) => {
      if (error.message === 'planned') cause = 'throw';
      else this.#fail(new Error(`Thread ${thread} failed: ${error.stack}`, { cause: error }));
    });
    const code = await new Promise<number>((resolve) => worker.once('exit', resolve));
    if (cause === 'end' && code === 77) cause = 'exit';
    for (const timer of timers) clearTimeout(timer);
    this.#living.delete(worker);
    if (cause !== 'end') this.#deaths[cause] = (this.#deaths[cause] ?? 0) + 1;
    else if (!this.#stopping) this.#fail(new Error(`Thread ${thread} ended by itself, with code ${code}`));
    this.#lookForFaults();
  }

  #lookForFaults(): void {
    const fault = this.#options.arena.describeFault();
    if (fault !== undefined) this.#fail(new Error(`${fault}\n${this.#describe()}`));
  }

  #lookForHangs(): void {
    this.#lookForFaults();
    for (const [slot, seen] of this.#seen.entries()) {
      const done = this.#options.arena.done(slot);
      if (done !== seen.done) seen.at = performance.now();
      seen.done = done;
      if (performance.now() - seen.at > HANGS_AFTER)
        this.#fail(
          new Error(
            `Slot ${slot} hangs (its thread ${seen.began ? 'works' : 'starts'})\n${this.#describe()}`,
          ),
        );
    }
  }

  #describe(): string {
    return `${this.#options.arena.describeSlots()}\n${dumpHeap()}`;
  }
}
