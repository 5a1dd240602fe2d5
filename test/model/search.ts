import { Choices } from '../../src/testing/explore/choices.ts';
import { type Exploration, ExplorationError, type Report } from './explorer.ts';
import { Machine, takeUnhandled } from './machine.ts';
import { Memory } from './memory.ts';
import { describeBlocked, Trace } from './trace.ts';

/** Runs schedule after schedule of one model, until one fails, all are run, or a limit is reached. */
export class Search<World, Modules extends Record<string, object>> {
  readonly #model: Exploration<World, Modules>;
  readonly #modules: readonly Modules[];
  readonly #memory: Memory = new Memory();
  readonly #choices: Choices = new Choices();
  readonly #machine: Machine;
  readonly #maxSteps: number;
  readonly #startedAt: number = performance.now();
  #world!: World;
  #schedules = 0;
  #steps = 0;
  #longest = 0;
  #seed: number | undefined;

  constructor(model: Exploration<World, Modules>, modules: readonly Modules[]) {
    this.#model = model;
    this.#modules = modules;
    this.#maxSteps = model.maxSteps ?? 1_000;
    const { deaths = 0, timeouts = 0, cancellations = 0, spuriousWakes = 0, onDeath } = model;
    this.#machine = new Machine({
      choices: this.#choices,
      budgets: { deaths, timeouts, cancellations, spuriousWakes },
      preemptionBound: model.preemptionBound ?? Infinity,
      mortal: model.mortal,
      onDeath: onDeath && ((name) => onDeath(this.#world, name)),
    });
  }

  /** All schedules, or a sample of them. */
  all(): Report {
    const { sample, maxMilliseconds = Infinity } = this.#model;
    if (sample !== undefined) {
      this.#seed = sample.seed ?? Math.floor(Math.random() * 2 ** 31);
      this.#choices.randomize(this.#seed);
    }
    const limit = sample?.schedules ?? this.#model.maxSchedules ?? 1_000_000;
    for (;;) {
      const failure = this.#attempt();
      if (failure !== undefined) return this.#report(false, this.#explain(failure));
      if (!this.#choices.advance()) return this.#report(true);
      if (this.#schedules >= limit) return this.#report(false);
      if ((this.#schedules & 255) === 0 && performance.now() - this.#startedAt > maxMilliseconds) {
        return this.#report(false);
      }
    }
  }

  /** One schedule, by its choices; prints the steps. */
  again(replay: string): Report {
    this.#choices.prescribe(replay);
    const trace = new Trace();
    this.#machine.observer = trace;
    const failure = this.#attempt(trace);
    console.log(`Replay of '${this.#model.name}':\n${trace.lines.join('\n')}`);
    return this.#report(false, failure && this.#failureOf(failure, replay, trace));
  }

  /** Runs one schedule; gives what was thrown, if it fails. */
  #attempt(trace?: Trace): Thrown | undefined {
    this.#choices.restart();
    this.#schedules++;
    let steps = 0;
    try {
      this.#memory.recycle();
      this.#world = this.#model.world(this.#memory, this.#modules[0]!, this.#modules);
      trace?.begin(this.#world);
      const world = this.#world;
      const machine = this.#machine;
      const { invariant } = this.#model;
      machine.start(this.#model.threads(world, machine));
      invariant?.(world);
      while (machine.step()) {
        if (++steps > this.#maxSteps)
          throw new Error(`Livelock: the schedule has not ended after ${this.#maxSteps} steps`);
        invariant?.(world);
      }
      this.#end();
      return undefined;
    } catch (error) {
      takeUnhandled();
      return { error };
    } finally {
      this.#steps += steps;
      if (steps > this.#longest) this.#longest = steps;
    }
  }

  /** Judges the end of a schedule: nobody can move. */
  #end(): void {
    const { threads } = this.#machine;
    const world = this.#world;
    const { check, daemons } = this.#model;
    const rejection = takeUnhandled();
    if (rejection !== undefined) throw rejection;
    let stuck = false;
    for (const { state, name } of threads) {
      if (state !== 'done' && state !== 'dead' && daemons?.includes(name) !== true) stuck = true;
    }
    if (stuck) {
      const blocked = threads.filter(({ state }) => state !== 'done' && state !== 'dead');
      throw new Error(`Deadlock: ${blocked.map((thread) => describeBlocked(thread, world)).join('; ')}`);
    }
    if (check === undefined) return;
    const dead = threads.filter(({ state }) => state === 'dead').map(({ name }) => name);
    const blocked = threads
      .filter(({ state }) => state !== 'dead' && state !== 'done')
      .map(({ name }) => name);
    check(world, { dead, blocked });
  }

  /** Runs the failed schedule again, writing down its steps. */
  #explain(failure: Thrown): ExplorationError {
    const schedules = this.#schedules;
    const replay = this.#choices.toString();
    this.#choices.prescribe(replay);
    const trace = new Trace();
    this.#machine.observer = trace;
    const again = this.#attempt(trace);
    this.#machine.observer = undefined;
    this.#schedules = schedules;
    if (again === undefined || messageOf(again.error) !== messageOf(failure.error)) {
      trace.lines.push(
        '      the schedule ended differently when run again: the model or the source is not deterministic',
      );
    }
    return this.#failureOf(failure, replay, trace);
  }

  #failureOf({ error }: Thrown, replay: string, { lines }: Trace): ExplorationError {
    const { name } = this.#model;
    const seed = this.#seed === undefined ? '' : ` (seed ${this.#seed})`;
    const message = [
      `Schedule ${this.#schedules} of '${name}'${seed} has failed: ${messageOf(error)}`,
      ...lines,
      `Run it again: HEDDLE_REPLAY='${name}=${replay}'`,
    ].join('\n');
    return new ExplorationError(
      message,
      { replay, trace: lines, schedules: this.#schedules },
      { cause: error },
    );
  }

  #report(exhausted: boolean, failure?: ExplorationError): Report {
    const milliseconds = performance.now() - this.#startedAt;
    return {
      name: this.#model.name,
      schedules: this.#schedules,
      steps: this.#steps,
      longest: this.#longest,
      exhausted,
      preemptionBound: this.#model.preemptionBound ?? Infinity,
      seed: this.#seed,
      milliseconds,
      schedulesPerSecond: (this.#schedules / milliseconds) * 1_000,
      failure,
    };
  }
}

interface Thrown {
  readonly error: unknown;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
