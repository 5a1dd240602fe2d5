/** Puts actors into each of the places where one can wait: the same behaviour is asked of all of them. */
import { describe, test } from 'vitest';
import { outside, type Task, TaskGroup, ThreadPoolExecutor } from '../../../src/index.ts';
import { turn } from '../../fixtures/awaiting.ts';
import { raise, raised } from '../lock-like-jobs.ts';
import { BEGUN, COUNT, type Desk, ENDED, GO_ON, GOT, type Outcome, SERVED, WORDS_EACH } from './jobs.ts';

export const HERE = 'tasks of this loop';
export const THERE = 'tasks of another loop';
export const BLOCKED = 'blocked threads';
export type Mode = typeof HERE | typeof THERE | typeof BLOCKED;
export const MODES: readonly Mode[] = [HERE, THERE, BLOCKED];
/** Those that await. */
export const LOOPS: readonly Mode[] = [HERE, THERE];
export const PAIRS: readonly (readonly [Mode, Mode])[] = MODES.flatMap((a) =>
  MODES.map((b) => [a, b] as const),
);

export interface Actor {
  /** When it has been served: the how-manyeth. Rejects if it ends without. */
  got(): Promise<number>;
  /** The same at once; 0 if it has not been served. */
  readonly rank: number;
  goOn(): void;
  cancel(reason?: unknown): void;
  /** What it gave, or the code of the error by which it failed; its cancellation is one. */
  readonly outcome: Promise<Outcome>;
  /** When it has really ended: whether it was served. The outcome of a cancelled job is known before. */
  served(): Promise<boolean>;
}

type Job<A extends unknown[]> = (desk: Desk, ...args: A) => Promise<Outcome>;

const MOST_ACTORS = 4096;

export class Stand {
  readonly words: Int32Array = new Int32Array(new SharedArrayBuffer(4 * (1 + MOST_ACTORS * WORDS_EACH)));
  /** One thread, whose loop has all its tasks at the same time. */
  readonly #loop = new ThreadPoolExecutor({ threads: 1, concurrency: 64 });
  readonly #threads: ThreadPoolExecutor;
  readonly #begun = new Set<Actor>();
  #actors = 0;

  constructor(threads = 5) {
    this.#threads = new ThreadPoolExecutor({ threads });
  }

  /** For what is asked of another thread beside the actors. */
  get aside(): ThreadPoolExecutor {
    return this.#loop;
  }

  start<A extends unknown[]>(mode: Mode, job: Job<A>, ...args: A): Promise<Actor> {
    return this.#start(mode, {}, job, args);
  }

  /** One whose wait is aborted by a signal of its own when it goes on. */
  startAborting<A extends unknown[]>(mode: Mode, job: Job<A>, ...args: A): Promise<Actor> {
    return this.#start(mode, { aborts: true }, job, args);
  }

  async all<A extends unknown[]>(mode: Mode, n: number, job: Job<A>, ...args: A): Promise<Actor[]> {
    const actors: Actor[] = [];
    for (let i = 0; i < n; i++) actors.push(await this.start(mode, job, ...args));
    return actors;
  }

  /** After each test: nobody who was left by one that failed stands in the way of the next. */
  clear(): void {
    for (const actor of this.#begun) {
      actor.goOn();
      actor.cancel();
    }
    this.#begun.clear();
  }

  async end(): Promise<void> {
    this.clear();
    await Promise.all([
      this.#loop.shutdown({ cancelPending: true, cancelRunning: true }),
      this.#threads.shutdown({ cancelPending: true, cancelRunning: true }),
    ]);
  }

  async #start<A extends unknown[]>(mode: Mode, more: Partial<Desk>, job: Job<A>, args: A): Promise<Actor> {
    const at = 1 + WORDS_EACH * this.#actors++ - BEGUN;
    const desk: Desk = { form: mode === BLOCKED ? 'sync' : 'async', words: this.words, at, ...more };
    if (mode === HERE) return this.#actor(at, (await spawn(() => job(desk, ...args))).task);
    const pool = mode === THERE ? this.#loop : this.#threads;
    return this.#actor(
      at,
      outside(() => pool.submit(job, desk, ...args)),
    );
  }

  async #actor(
    at: number,
    work: PromiseLike<Outcome> & { cancel(reason?: unknown): boolean },
  ): Promise<Actor> {
    const { words } = this;
    const outcome = Promise.resolve(work).catch((error: { code?: string; name: string }) => ({
      code: error.code ?? error.name,
    }));
    const unserved = outcome.then((ended): Promise<never> => {
      if ('code' in ended) throw new Error(`It was not served: ${ended.code}`);
      return new Promise(() => {});
    });
    unserved.catch(() => {});
    await Promise.race([raised(words, at + BEGUN), outcome]);
    const actor: Actor = {
      got: () => Promise.race([raised(words, at + GOT), unserved]),
      get rank() {
        return Atomics.load(words, at + GOT);
      },
      goOn: () => raise(words, at + GO_ON),
      cancel: (reason) => void work.cancel(reason),
      outcome,
      served: async () => (await raised(words, at + ENDED)) === SERVED,
    };
    this.#begun.add(actor);
    return actor;
  }

  /** How many were served, of all actors. */
  get count(): number {
    return Atomics.load(this.words, COUNT);
  }
}

/** A task of its own, outside of all others. In an object: a promise of a task would be one of its end. */
function spawn<T>(fn: () => Promise<T>): Promise<{ readonly task: Task<T> }> {
  return new Promise((resolve, reject) => {
    outside(() => {
      TaskGroup.run((group) => {
        const task = group.spawn(fn);
        resolve({ task });
      }).catch(reject);
    });
  });
}

/** Resolves once so many wait. */
export async function untilWaiting(
  object: { statistics(): { readonly waiting: number } },
  waiting: number,
): Promise<void> {
  while (object.statistics().waiting !== waiting) await turn();
}

export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await turn();
}

/** What they gave, or the codes of their errors. */
export async function outcomes(actors: readonly Actor[]): Promise<unknown[]> {
  const ended = await Promise.all(actors.map(({ outcome }) => outcome));
  return ended.map((outcome) => ('code' in outcome ? outcome.code : outcome.value));
}

export async function outcome(actor: Actor): Promise<unknown> {
  return (await outcomes([actor]))[0];
}

/** A test of the promise for each of the modes. */
export function each(promise: string, modes: readonly Mode[], body: (mode: Mode) => Promise<void>): void {
  describe(promise, () => {
    for (const mode of modes) test(mode, () => body(mode));
  });
}

/** The same for pairs of modes. */
export function eachPair(promise: string, body: (a: Mode, b: Mode) => Promise<void>): void {
  describe(promise, () => {
    for (const [a, b] of PAIRS) test(a === b ? a : `${a}, ${b}`, () => body(a, b));
  });
}

export const CANCELLED = 'ERR_HEDDLE_CANCELLED';
export const TIMEOUT = 'ERR_HEDDLE_TIMEOUT';
export const SHUT_DOWN = 'ERR_HEDDLE_QUEUE_SHUT_DOWN';
export const BROKEN = 'ERR_HEDDLE_BROKEN_BARRIER';

/** Ways to make a wait end early. `leave` is asked of an actor that was begun so. */
export interface WayOut {
  readonly way: string;
  readonly modes: readonly Mode[];
  /** By which it is begun. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly aborts: boolean;
  leave(actor: Actor): void;
  readonly code: string;
}

export const WAYS_OUT: readonly WayOut[] = [
  {
    way: 'cancelled',
    modes: MODES,
    options: {},
    aborts: false,
    leave: (actor) => actor.cancel(),
    code: CANCELLED,
  },
  {
    way: 'aborted',
    modes: LOOPS,
    options: {},
    aborts: true,
    leave: (actor) => actor.goOn(),
    code: 'AbortError',
  },
  {
    way: 'out of time',
    modes: MODES,
    options: { timeout: 100 },
    aborts: false,
    leave: () => {},
    code: TIMEOUT,
  },
];
