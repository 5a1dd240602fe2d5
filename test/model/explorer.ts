/**
 * Explores the interleavings of threads that run the real source, in one thread and in an order it controls.
 *
 * **How.** The modules of a model are loaded in generator form (`transform.ts`): before every atomic operation a
 * thread stops, and the explorer chooses who moves. A **schedule** is one run from the start to the end, a **step** one
 * atomic operation with the plain code after it. Depth first, every schedule is run once; with a **preemption bound**,
 * those with at most so many switches away from a thread that could have gone on.
 *
 * **What is modelled**
 * - Sequentially consistent atomics, as JavaScript has them; `Atomics.wait` and `notify` with waiters served in order.
 * - `Atomics.pause`: a thread that spins goes on when something was written, or nobody else can move.
 * - `Atomics.waitAsync`, async functions, `await`, `then`, `new Promise`: each thread has a loop. What a notification
 *   leads to is a later step of that loop, which runs its other tasks meanwhile. `setTimeout` is a time-out.
 * - Faults, each within a budget per schedule (none by default): **deaths** before any operation (a dead thread is never
 *   resumed; when it was parked, a later `notify` may or may not count it), **time-outs** (beyond the budget they
 *   happen only when nothing else can), **spurious wake-ups**, **cancellations** (of a {@link ModelSignal}).
 *
 * **What is not**
 * - Plain reads and writes that race: plain code runs at once, up to the next atomic operation.
 * - Weak memory, which JavaScript's atomics do not show. Native promises, generator functions with atomics, real time.
 * - State kept in module variables lives on from schedule to schedule: reset it in `world`. It is shared by all threads
 *   of a model, unless `instances` loads the modules once for each.
 * - Getters with `Atomics.load` may be read by checks, not by threads.
 *
 * **A model**: the world is made anew for each schedule, a thread is a generator function, calls of the source are
 * written `yield* call(…)` (`wait(…)` if async).
 *
 * ```ts no-check
 * await explore({
 *   name: 'mutex, two threads',
 *   modules: { mutex: 'test/model/fixtures/mutex.ts' },
 *   world: (memory, { mutex }: { mutex: typeof import('./fixtures/mutex.ts') }) => {
 *     const word = memory.int32(1);
 *     return { word, lock: new mutex.Mutex(word), inside: 0 };
 *   },
 *   threads: (world) => {
 *     function* body() {
 *       yield* call(world.lock.acquire());
 *       world.inside++;
 *       yield* step();
 *       world.inside--;
 *       yield* call(world.lock.release());
 *     }
 *     return { a: body, b: body };
 *   },
 *   invariant: ({ inside }) => assert(inside <= 1),
 * });
 * ```
 *
 * **A failure** prints its steps, with file and line of every operation, and a **replay** string. `replay: '…'`, or
 * the environment variable `HEDDLE_REPLAY='name=…'`, runs that schedule alone and prints it.
 *
 * **Reports.** {@link explore} resolves to one; `HEDDLE_EXPLORER=report` prints them.
 *
 * **Teeth.** A model that passes proves something only if it fails when the source is wrong: `mutate` changes one place
 * in the source text and expects the failure.
 */
import type { Budgets } from './machine.ts';
import type { Memory } from './memory.ts';
import type { Steps } from './operations.ts';
import { Search } from './search.ts';
import { loadModules, type Mutation } from './transform.ts';

export { ModelSignal } from './loop-event.ts';
export { ModelPromise } from './model-promise.ts';
export { awaited, call, choose, spawn, step, until, wait } from './model-steps.ts';
export { atOnce, type Steps } from './operations.ts';
export { loadModules, type Mutation, transformModule } from './transform.ts';
export type { Memory };

/** What threads may ask about the schedule. */
export interface Control {
  isDead(name: string): boolean;
}

/** How a schedule ended. */
export interface Ending {
  readonly dead: readonly string[];
  /** Daemons that were blocked. */
  readonly blocked: readonly string[];
}

export interface Exploration<World, Modules extends Record<string, object>> extends Partial<Budgets> {
  readonly name: string;
  /** Source files, relative to the working directory, by the name under which `world` gets them. */
  readonly modules?: { readonly [K in keyof Modules]: string };
  /** Which imported files are transformed; see `TransformOptions`. */
  readonly transformed?: (path: string) => boolean;
  /** Makes what the threads share; called for every schedule. */
  readonly world: (memory: Memory, modules: Modules, instances: readonly Modules[]) => World;
  /** Loads the modules so many times, each with module variables of its own, as threads have; 1 by default. */
  readonly instances?: number;
  /** The threads by name; called for every schedule. */
  readonly threads: (world: World, control: Control) => Readonly<Record<string, () => Steps<unknown>>>;
  /** Throws when the world is wrong; called after each step. */
  readonly invariant?: (world: World) => void;
  /** Throws when the world is wrong at the end of a schedule. */
  readonly check?: (world: World, ending: Ending) => void;
  /** Called at the moment of a death, before anybody moves. */
  readonly onDeath?: (world: World, name: string) => void;
  /** Threads that may be blocked at the end. */
  readonly daemons?: readonly string[];
  /** Threads that may die; by default all. */
  readonly mortal?: readonly string[];
  /** Switches away from a thread that could go on, per schedule; no limit by default. */
  readonly preemptionBound?: number;
  /** A schedule with more steps has failed: a livelock. 1,000 by default. */
  readonly maxSteps?: number;
  /** Ends the exploration early; 1,000,000 by default. */
  readonly maxSchedules?: number;
  /** Ends the exploration early; no limit by default. */
  readonly maxMilliseconds?: number;
  /** Random schedules instead of all: for models too large to be exhausted. */
  readonly sample?: { readonly schedules: number; readonly seed?: number };
  /** Runs the schedule of this replay string alone, and prints its steps. */
  readonly replay?: string;
  readonly mutate?: Mutation & { readonly expectFailure: true };
}

export interface Report {
  readonly name: string;
  readonly schedules: number;
  readonly steps: number;
  /** Steps of the longest schedule. */
  readonly longest: number;
  /** Every schedule within the bound and the budgets was run. */
  readonly exhausted: boolean;
  readonly preemptionBound: number;
  readonly seed: number | undefined;
  readonly milliseconds: number;
  readonly schedulesPerSecond: number;
  /** The failure that a mutant led to, or that a replay reproduced. */
  readonly failure: ExplorationError | undefined;
}

/** A schedule has failed; the message has its steps and how to run it again. */
export class ExplorationError extends Error {
  override readonly name: string = 'ExplorationError';
  readonly replay: string;
  readonly trace: readonly string[];
  /** How many schedules were run, this one included. */
  readonly schedules: number;

  constructor(
    message: string,
    details: { replay: string; trace: readonly string[]; schedules: number },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.replay = details.replay;
    this.trace = details.trace;
    this.schedules = details.schedules;
  }
}

/**
 * Runs the schedules of a model.
 * @throws ExplorationError for the first schedule that fails (with `mutate`: an Error if none does).
 */
export async function explore<World, Modules extends Record<string, object> = Record<never, object>>(
  model: Exploration<World, Modules>,
): Promise<Report> {
  const files = (model.modules ?? {}) as Record<keyof Modules & string, string>;
  const { transformed, mutate: mutation } = model;
  const { instances = 1 } = model;
  const modules = Array.from({ length: instances }, () =>
    loadModules<Modules>(files, { transformed, mutation }),
  );
  const replay = model.replay ?? replayFor(model.name);
  const search = new Search(model, modules);
  const report = replay === undefined ? search.all() : search.again(replay);
  if (process.env['HEDDLE_EXPLORER'] === 'report') console.log(describeReport(report));
  if (mutation === undefined && report.failure !== undefined) throw report.failure;
  if (mutation !== undefined && report.failure === undefined) {
    throw new Error(
      `The mutant survived: '${mutation.find}' → '${mutation.replace}' fails no schedule of '${model.name}' (${describeReport(report)})`,
    );
  }
  return report;
}

/** `mutex, two threads: 86 schedules, exhausted, 1,204 steps in 3 ms` */
export function describeReport(report: Report): string {
  const { name, schedules, steps, exhausted, preemptionBound, seed, milliseconds, schedulesPerSecond } =
    report;
  const bound = preemptionBound === Infinity ? '' : ` up to preemption bound ${preemptionBound}`;
  const extent =
    seed !== undefined
      ? `at random, seed ${seed}`
      : exhausted
        ? `exhausted${bound}`
        : `not exhausted${bound}`;
  return `${name}: ${schedules.toLocaleString('en')} schedules, ${extent}, ${steps.toLocaleString('en')} steps in ${Math.round(milliseconds)} ms, ${Math.round(schedulesPerSecond).toLocaleString('en')} schedules/s`;
}

/** `HEDDLE_REPLAY='name=choices'` */
function replayFor(name: string): string | undefined {
  const given = process.env['HEDDLE_REPLAY'];
  return given?.startsWith(`${name}=`) ? given.slice(name.length + 1) : undefined;
}
