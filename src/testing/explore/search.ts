/** Runs schedule after schedule, until one fails, all are run, or a limit is reached. */
import { HeddleError } from '../../core/errors.ts';
import type { AnyFunction } from '../../function/registry.ts';
import { interceptReports, type ReportCode } from '../../platform/report.ts';
import { throwIfCancelled } from '../../scope/cancelled.ts';
import { forgetTimers, VirtualClock } from '../virtual-clock.ts';
import { Choices } from './choices.ts';
import type { Code } from './code.ts';
import { stepsOf } from './explored.ts';
import { type Bounds, Machine } from './machine.ts';
import { RESULT } from './source.ts';
import type { Steps } from './steps.ts';
import { Trace } from './trace.ts';

/** Reports of what explored code has done wrong. */
const FAULTS: ReadonlySet<ReportCode> = new Set([
  'HEDDLE_ABANDONED_GUARD',
  'HEDDLE_CALLBACK_ERROR',
  'HEDDLE_UNAWAITED_ERROR',
]);

export interface Plan {
  readonly code: Code;
  /** Of the threads, in order. */
  readonly names: readonly string[];
  readonly setup: (uses: never) => unknown;
  readonly check: ((state: never, ending: Ending) => unknown) | undefined;
  readonly bounds: Bounds;
  readonly daemons: readonly string[];
  readonly areTasks: boolean;
  readonly maxSchedules: number;
  /** So many more, at random. */
  readonly random: number;
  readonly seed: number;
}

/** How a schedule ended. */
export interface Ending {
  /** Names of the threads that died. */
  readonly dead: readonly string[];
  /** Names of those that still waited: they are `daemons`. */
  readonly waiting: readonly string[];
}

/** What an exploration has found no fault with. */
export interface ExploreReport {
  /** How many schedules were run. */
  readonly schedules: number;
  /** Of all schedules together. */
  readonly steps: number;
  /** Whether those were all that the bounds allow; false if `maxSchedules` cut it short. */
  readonly exhausted: boolean;
}

/** A schedule that has failed. */
export interface Failure {
  readonly error: unknown;
  readonly trace: Trace;
  readonly replay: string;
  readonly schedules: number;
  /** Whether it ended in the same way when it was run again. */
  readonly isSure: boolean;
}

export type Found = { readonly report: ExploreReport } | { readonly failure: Failure };

interface Attempt {
  readonly trace: Trace;
  readonly failure: { readonly error: unknown } | undefined;
}

export class Search {
  readonly #plan: Plan;
  readonly #choices: Choices = new Choices();
  #schedules = 0;
  #steps = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  async all(): Promise<Found> {
    const { maxSchedules, random, seed, bounds } = this.#plan;
    let exhausted = false;
    while (!exhausted && this.#schedules < maxSchedules) {
      const failure = await this.#next(bounds);
      if (failure !== undefined) return { failure };
      exhausted = !this.#choices.advance();
    }
    if (random > 0) this.#choices.randomize(seed);
    for (let left = random; left > 0; left--) {
      const failure = await this.#next({ ...bounds, preemptions: Infinity });
      if (failure !== undefined) return { failure };
    }
    return { report: { schedules: this.#schedules, steps: this.#steps, exhausted } };
  }

  /** One schedule alone, by its choices. */
  async again(replay: string): Promise<Found> {
    this.#choices.prescribe(choicesOf(replay));
    const failure = await this.#next(this.#boundsOf(replay));
    if (failure !== undefined) return { failure: { ...failure, replay } };
    return { report: { schedules: this.#schedules, steps: this.#steps, exhausted: false } };
  }

  #boundsOf(replay: string): Bounds {
    return replay.startsWith('r') ? { ...this.#plan.bounds, preemptions: Infinity } : this.#plan.bounds;
  }

  async #next(bounds: Bounds): Promise<Failure | undefined> {
    throwIfCancelled();
    const first = await this.#attempt(bounds);
    this.#schedules++;
    if (first.failure === undefined) return undefined;
    const { error } = first.failure;
    const { trace } = first;
    const isRandom = bounds.preemptions !== this.#plan.bounds.preemptions;
    const replay = (isRandom ? 'r' : 's') + this.#choices.toString();
    this.#choices.prescribe(choicesOf(replay));
    const second = await this.#attempt(bounds);
    const isSure = second.failure !== undefined && trace.equals(second.trace);
    return { error, trace, replay, schedules: this.#schedules, isSure };
  }

  /** Runs one schedule, and leaves nothing of it. */
  async #attempt(bounds: Bounds): Promise<Attempt> {
    const { code, names, setup, check, daemons, areTasks } = this.#plan;
    this.#choices.restart();
    const trace = new Trace();
    const clock = VirtualClock.install({ autoJump: false });
    const { sites } = code;
    const machine = new Machine({ choices: this.#choices, clock, bounds, sites, trace, daemons, areTasks });
    interceptReports((kind, message, error) => {
      if (!FAULTS.has(kind)) return false;
      // What the dead have left was to be.
      const isOfTheDead = kind === 'HEDDLE_ABANDONED_GUARD' && (machine.isKilling || machine.dead.length > 0);
      if (!isOfTheDead) machine.fail(error ?? new HeddleError(message));
      return true;
    });
    let state: unknown;
    try {
      const { functions, uses } = await code.make();
      state = await setup(uses as never);
      for (const [index, name] of names.entries()) machine.add(name, threadOf(functions[index]!, state));
      await machine.run();
      await check?.(state as never, { dead: machine.dead, waiting: machine.waiting });
      return { trace, failure: undefined };
    } catch (error) {
      return { trace, failure: { error } };
    } finally {
      this.#steps += machine.steps;
      await machine.end();
      interceptReports(undefined);
      forgetTimers(clock);
      clock[Symbol.dispose]();
      await dispose(state);
    }
  }
}

/** The first letter says how it was found: with the bound, or at random. */
function choicesOf(replay: string): string {
  return replay.slice(1);
}

function threadOf(fn: AnyFunction, state: unknown): () => Steps {
  return function* (): Steps {
    const result = yield* stepsOf(fn, [state]);
    if (!(result instanceof Promise)) return result;
    return yield { kind: 'wait', site: RESULT, promise: result, blocks: false };
  };
}

async function dispose(state: unknown): Promise<void> {
  const disposable = state as Partial<Disposable & AsyncDisposable> | null | undefined;
  await (disposable?.[Symbol.asyncDispose]?.() ?? disposable?.[Symbol.dispose]?.());
}
