/** Every order in which threads may take their steps. */
import { checkFunction, checkInteger, checkName, checkOptions, show } from '../core/arguments.ts';
import { HeddleError, InvalidStateError } from '../core/errors.ts';
import { moduleUrl } from '../function/loader.ts';
import type { AnyFunction } from '../function/registry.ts';
import { callerUrl } from '../platform/call-site.ts';
import { outside } from '../scope/outside.ts';
import { readCode } from './explore/code.ts';
import { type Ending, type ExploreReport, type Failure, Search } from './explore/search.ts';

export type { Ending, ExploreReport };

let exploring = false;

type Nothing = Record<never, never>;

/**
 * What one thread does. It obeys the rule of functions that go to a thread: it is inline, and uses nothing of its surroundings but
 * what `uses` and `modules` give it; or it is portable, and of another file, which then is explored with it.
 */
export type ExploredThread<S> = (state: S) => unknown;

type Explored<S> = readonly ExploredThread<S>[] | Readonly<Record<string, ExploredThread<S>>>;

export interface Exploration<S, U extends object = Nothing, M extends object = Nothing> {
  /** Makes what the threads share, anew for each schedule. If it has a `Symbol.dispose`, that is called at the end of the schedule. */
  readonly setup: (uses: U & M) => S | PromiseLike<S>;
  /** At least one, async or blocking. With names, or with those of the functions. */
  readonly threads?: Explored<Awaited<S>> | undefined;
  /** In the place of `threads`: tasks of one loop, each of which runs until it awaits. */
  readonly tasks?: Explored<Awaited<S>> | undefined;
  /** Throws if what a schedule has led to is wrong. */
  readonly check?: ((state: Awaited<S>, ending: Ending) => unknown) | undefined;
  /**
   * What the functions use from their surroundings by name. Functions and classes among it are explored as well, and `setup`
   * must take them from its argument; all else is as it is.
   */
  readonly uses?: U | undefined;
  /**
   * Modules whose source is explored, with what they import by a relative path: `{ bank: () => import('./bank.ts') }`. The
   * functions may use the names of these modules, and of what they export; `setup` must take it from its argument.
   */
  readonly modules?: { readonly [K in keyof M]: () => Promise<M[K]> } | undefined;
  /** How often in one schedule a thread is interrupted though it could go on; default 2. `Infinity`: all schedules. */
  readonly preemptions?: number | undefined;
  /** How many threads may die in one schedule; default 0. */
  readonly deaths?: number | undefined;
  /** How often in one schedule time passes though some thread could go on; default 1. If none can, it always does. */
  readonly timeouts?: number | undefined;
  /** Names of threads that may still wait at the end: servers. */
  readonly daemons?: readonly string[] | undefined;
  /** So many schedules are run at random after the others, with interruptions anywhere; default 0. */
  readonly random?: number | undefined;
  /** For `random`; default 1. */
  readonly seed?: number | undefined;
  /** Default 100,000. */
  readonly maxSchedules?: number | undefined;
  /** A schedule with more steps has failed; default 1,000. */
  readonly maxSteps?: number | undefined;
  /** Runs that schedule alone: what an `ExploreError` has said. */
  readonly replay?: string | undefined;
}

/** A schedule has failed: `cause` is the error, and the message has its steps. */
export class ExploreError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_EXPLORE';
  /** For the option of that name: runs this schedule alone. */
  readonly replay: string;
  /** The steps, one a line. */
  readonly trace: readonly string[];
  /** How many schedules were run, with this one. */
  readonly schedules: number;

  constructor(
    message: string,
    details: Pick<ExploreError, 'replay' | 'trace' | 'schedules'>,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.replay = details.replay;
    this.trace = details.trace;
    this.schedules = details.schedules;
  }
}

Object.defineProperty(ExploreError.prototype, 'name', {
  value: 'ExploreError',
  configurable: true,
  writable: true,
});

/**
 * Runs threads in every order in which they can take their steps, and rejects with the first that goes wrong: with what
 * happened, step by step, and a string that runs this very order again.
 *
 * Use it for code that locks, queues and shares memory: a test that starts threads meets a few of its orders, and not
 * the same ones every time. For one order that you know, a `Sequencer` is enough.
 *
 * - **Steps** are the operations on heddle's shared objects (also `release()`, the end of `using`, and reads of
 *   properties such as `queue.size`), `Atomics`, and each read and write of an element of a typed array. What stands
 *   between two steps runs at once.
 * - **Threads** run on this loop, one step of one thread at a time. Their code is taken from its source and rewritten, so
 *   it may use globals, its argument, and what `uses` and `modules` give it. Both forms may be mixed:
 *   `lock.acquireSync()` stops the whole thread, `await lock.acquire()` only its task. The objects are the real ones.
 * - **Tasks** (`tasks` in the place of `threads`) are those of one loop: each runs until it awaits. By themselves they go
 *   on in the order in which they became ready; another that is preferred counts as an interruption.
 * - **What is wrong**: an error that a thread throws, or `check`; a guard that a thread leaves behind; that every thread
 *   waits (a deadlock); more than `maxSteps` steps (a livelock).
 * - **Time** is the explorer's: a time-out or `sleep()` comes when nobody can go on, and `timeouts` times earlier.
 * - **Death** (`deaths`) takes a thread before any step, or while it waits, as the end of a real one does: others get the
 *   `OwnerDiedError`s that it leaves.
 * - **Bounds.** Most faults show within two interruptions (`preemptions`) of threads that could have gone on; switching
 *   from one that waits or has ended costs none. `exhausted` says that all schedules within the bounds were run.
 * - **State.** Threads get the very state that `setup` has made, where real ones would get copies of what is no shared
 *   object and no `SharedArrayBuffer`: plain objects are for notes that `check` reads.
 * - **At once**, without steps in between, happens what JavaScript cannot suspend: constructors, accessors, generator
 *   functions, callbacks of built-ins (but for the usual ones of arrays), functions that are neither inline nor in
 *   `uses` or `modules`. It must not block.
 * - **Not modelled**: threads that explored code starts itself, `Atomics.wait`, timers of the runtime, signals, plain
 *   writes that other processors see late, the `OwnerDiedError` of a future whose thread died.
 * - **Cost.** Some ten microseconds a step: thousands of schedules in a second. One exploration at a time, and no
 *   `VirtualClock` beside it.
 *
 * @throws {ExploreError} The first schedule that goes wrong.
 * @throws {CaptureError} A function uses what it is not given.
 * @throws {TypeError} {RangeError} Wrong options, or source that cannot be explored.
 * @example
 * ```ts
 * import { Lock } from 'heddle';
 * import { explore } from 'heddle/testing';
 *
 * const report = await explore({
 *   setup: () => ({ lock: new Lock(), count: new Int32Array(1) }),
 *   threads: {
 *     blocking: ({ lock, count }) => {
 *       lock.runSync(() => count[0]!++);
 *     },
 *     async: async ({ lock, count }) => {
 *       await lock.run(() => count[0]!++);
 *     },
 *   },
 *   check: ({ count }) => {
 *     if (count[0] !== 2) throw new Error(`${count[0]} of 2 increments are left`);
 *   },
 * });
 * console.log(report.exhausted); // true: whatever the order
 * ```
 */
export async function explore<S, U extends object = Nothing, M extends object = Nothing>(
  exploration: Exploration<S, U, M>,
): Promise<ExploreReport> {
  const base = callerUrl(explore);
  const options = checkOptions(exploration);
  const { setup, check, threads, tasks, uses = {}, modules = {}, replay } = options;
  const urls = Object.entries<() => Promise<object>>(modules).map(
    ([name, load]) => [name, moduleUrl(load, explore)] as const,
  );
  checkFunction(setup, 'setup');
  if (check !== undefined) checkFunction(check, 'check');
  const areTasks = tasks !== undefined;
  if (areTasks && threads !== undefined)
    throw new TypeError('Cannot explore both threads and tasks: give one of the two');
  if (areTasks && (options.deaths ?? 0) > 0)
    throw new RangeError('Cannot explore deaths of tasks: what dies is a thread, with all its tasks');
  const functions = areTasks ? named(tasks, 'tasks') : named(threads, 'threads');
  const count = (
    name: 'preemptions' | 'deaths' | 'timeouts' | 'random' | 'maxSteps' | 'maxSchedules',
    none: number,
  ) => (options[name] === Infinity ? Infinity : checkInteger(options[name] ?? none, name, { min: 0 }));
  const names = functions.map(([name]) => name);
  const search = new Search({
    code: await readCode(functions, uses as Readonly<Record<string, unknown>>, new Map(urls), base),
    names,
    setup: setup as (uses: never) => unknown,
    check: check as ((state: never, ending: Ending) => unknown) | undefined,
    bounds: {
      preemptions: count('preemptions', 2),
      deaths: count('deaths', 0),
      timeouts: count('timeouts', 1),
      maxSteps: count('maxSteps', 1_000),
    },
    areTasks,
    daemons: checkDaemons(options.daemons ?? [], names),
    maxSchedules: count('maxSchedules', 100_000),
    random: count('random', 0),
    seed: checkInteger(options.seed ?? 1, 'seed', { min: 1 }),
  });
  if (exploring)
    throw new InvalidStateError(
      'Cannot explore: another exploration is under way in this thread; await that',
    );
  exploring = true;
  try {
    const found = await outside(() => (replay === undefined ? search.all() : search.again(replay)));
    if ('failure' in found) throw errorOf(found.failure);
    return found.report;
  } finally {
    exploring = false;
  }
}

function named<S>(threads: Explored<S> | undefined, what: string): (readonly [string, AnyFunction])[] {
  if (typeof threads !== 'object' || threads === null)
    throw new TypeError(`${what} must be an array or an object of functions, received ${show(threads)}`);
  const taken = new Set<string>();
  const entries = Object.entries<AnyFunction>(threads as Readonly<Record<string, AnyFunction>>);
  const all = entries.map(([key, fn]) => {
    checkFunction(fn, `${what}.${key}`);
    const name = Array.isArray(threads) ? fn.name || what.slice(0, -1) : key;
    let unique = Array.isArray(threads) && fn.name === '' ? `${name} ${Number(key) + 1}` : name;
    for (let number = 2; taken.has(unique); number++) unique = `${name} ${number}`;
    taken.add(unique);
    return [unique, fn] as const;
  });
  if (all.length === 0) throw new RangeError(`${what} must have at least one function, received none`);
  return all;
}

function checkDaemons(daemons: readonly string[], names: readonly string[]): readonly string[] {
  for (const name of daemons)
    if (!names.includes(checkName(name) ?? ''))
      throw new RangeError(
        `daemons must be names of threads, which are ${names.join(', ')}; received ${show(name)}`,
      );
  return daemons;
}

function errorOf({ error, trace, replay, schedules, isSure }: Failure): ExploreError {
  const lines = trace.toLines();
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const doubt = isSure
    ? []
    : [
        'It ended differently when it was run again: what is explored depends on something else, such as real time, a random number or state that setup() does not make anew',
      ];
  const text = [
    `Schedule ${schedules} has failed: ${message}`,
    ...lines,
    ...doubt,
    `Run it alone: explore({ …, replay: ${JSON.stringify(replay)} })`,
  ].join('\n');
  return new ExploreError(text, { replay, trace: lines, schedules }, { cause: error });
}
