/**
 * Threads that are explored: explored code on this loop, moved one step at a time.
 *
 * ```text
 * ready ──runs──▶ at a point (before a step) ──chosen──▶ ready
 *   ▲ └─────────▶ waiting (await: its thread goes on with other code) / blocked (a Sync form: its thread does not)
 *   └──the promise settles──┘                     any ──▶ done
 * ```
 *
 * - A **thread** is a root task of heddle, and **strands** of it: what a call of an async function, or a callback of a
 *   task, has started. Strands of one thread change only where one awaits, as on any loop.
 * - The primitives are the real ones, in their async form. Who waits there is what heddle says it is: the machine
 *   looks when the loop is at rest.
 * - Between two steps a thread runs as soon as it can, for nobody else sees it.
 */
import { DeadlockError, HeddleError } from '../../core/errors.ts';
import { hasPutOff } from '../../park/turn.ts';
import { busyRequests, nextTurn } from '../../platform/loop-turns.ts';
import { fireNext, type VirtualClock } from '../virtual-clock.ts';
import type { Choices } from './choices.ts';
import type { Site } from './source.ts';
import type { Steps } from './steps.ts';
import { ModelThread } from './thread.ts';
import type { Trace } from './trace.ts';

/** What may happen in one schedule. */
export interface Bounds {
  /** Switches away from a thread that could go on. */
  readonly preemptions: number;
  readonly deaths: number;
  /** Time-outs that come though somebody could go on. */
  readonly timeouts: number;
  readonly maxSteps: number;
}

export interface MachineOptions {
  readonly choices: Choices;
  readonly clock: VirtualClock;
  readonly bounds: Bounds;
  readonly sites: readonly Site[];
  readonly trace: Trace;
  /** By name. */
  readonly daemons: readonly string[];
  /** Tasks of one loop rather than threads: each runs until it awaits, and only then another. */
  readonly areTasks: boolean;
}

/** So many turns of the loop in which nothing happened, before something is said to wait for ever. */
const QUIET_TURNS = 4;

let running: Machine | undefined;

/** The machine whose schedule is under way. */
export function runningMachine(): Machine | undefined {
  return running;
}

export class Machine {
  readonly threads: ModelThread[] = [];
  readonly trace: Trace;
  readonly #options: MachineOptions;
  #last: ModelThread | undefined;
  #preemptions: number;
  #deaths: number;
  #timeouts: number;
  #steps = 0;
  #failure: { readonly error: unknown } | undefined;
  /** Whether something has been done that microtasks may go on with. */
  #dirty = true;
  #isOver = false;
  #isKilling = false;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.trace = options.trace;
    this.#preemptions = options.bounds.preemptions;
    this.#deaths = options.bounds.deaths;
    this.#timeouts = options.bounds.timeouts;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Whether these are tasks of one loop. */
  get areTasks(): boolean {
    return this.#options.areTasks;
  }

  /** Whether a thread is dying at this moment. */
  get isKilling(): boolean {
    return this.#isKilling;
  }

  /** Names of the threads that have died. */
  get dead(): readonly string[] {
    return this.threads.filter(({ status }) => status === 'dead').map(({ name }) => name);
  }

  /** Names of the threads that wait. */
  get waiting(): readonly string[] {
    return this.threads.filter(({ status }) => status === 'alive').map(({ name }) => name);
  }

  /** Adds a thread, which does not run yet. */
  add(name: string, body: () => Steps): void {
    this.threads.push(new ModelThread(this, this.threads.length + 1, name, body));
  }

  /** Runs one schedule to its end. @throws whatever has failed. */
  async run(): Promise<void> {
    running = this;
    for (const thread of this.threads) thread.start();
    for (;;) {
      await this.#settle();
      if (!(await this.#move())) break;
    }
    this.#checkEnd();
  }

  /** Ends what is left, whatever it waits for. */
  async end(): Promise<void> {
    this.#isOver = true;
    for (const thread of this.threads) this.#end(thread);
    await this.#rest();
    running = undefined;
  }

  /** The schedule has failed. The first says why. */
  fail(error: unknown): void {
    if (!this.#isOver) this.#failure ??= { error };
  }

  /** Something was done that may go on by microtasks. */
  touched(): void {
    this.#dirty = true;
  }

  place(site: number): Site {
    return this.#options.sites[site]!;
  }

  /** Until every thread stands at a point, or waits, or has ended. */
  async #settle(): Promise<void> {
    for (let rounds = 0; ; rounds++) {
      if (this.#dirty) await this.#rest();
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.areTasks) return;
      const ready = this.threads.find((thread) => thread.canRun);
      if (ready === undefined) return;
      if (rounds > this.#options.bounds.maxSteps * 10)
        throw new HeddleError(`Livelock: thread "${ready.name}" goes on without a step`);
      ready.run();
    }
  }

  async #rest(): Promise<void> {
    do {
      this.#dirty = false;
      await nextTurn();
    } while (hasPutOff() || this.#dirty);
  }

  /** One choice, and what follows from it. False at the end of the schedule. */
  async #move(): Promise<boolean> {
    const { choices, clock, bounds } = this.#options;
    const enabled = this.#enabled();
    if (enabled.length === 0 && !this.threads.some(({ status }) => status === 'alive')) return false;
    if (enabled.length === 0 && (await this.#isComing())) return true;
    // Who goes on if nobody interrupts: of tasks the one that has waited longest, as on any loop.
    const last = this.areTasks || this.#last?.point === undefined ? undefined : this.#last;
    const first = this.areTasks ? enabled[0] : last;
    const others = enabled.filter((thread) => thread !== first);
    const steps = first === undefined ? others : [first, ...(this.#preemptions > 0 ? others : [])];
    const mayFire = clock.timers > 0 && (enabled.length === 0 || this.#timeouts > 0);
    if (steps.length === 0 && !mayFire) return false;
    const mortal = this.#deaths > 0 ? this.threads.filter(({ status }) => status === 'alive') : [];
    const count = steps.length + Number(mayFire) + mortal.length;
    if (++this.#steps > bounds.maxSteps)
      throw new HeddleError(
        `Livelock: the schedule has not ended after ${bounds.maxSteps} steps; a loop that waits for another thread must wait at a primitive`,
      );
    const choice = choices.choose(count, steps.length, markOf(enabled));
    if (choice < steps.length) this.#step(steps[choice]!, first);
    else if (mayFire && choice === steps.length) this.#fire(enabled.length > 0);
    else this.#kill(mortal[choice - steps.length - Number(mayFire)]!);
    return true;
  }

  /** Those that can move, the first in line first. */
  #enabled(): ModelThread[] {
    if (!this.areTasks) return this.threads.filter(({ point }) => point !== undefined);
    return this.threads.filter(({ canRun }) => canRun).sort((a, b) => a.readySince - b.readySince);
  }

  #step(thread: ModelThread, first: ModelThread | undefined): void {
    if (first !== undefined && thread !== first) this.#preemptions--;
    this.#last = thread;
    if (this.areTasks) thread.runOn();
    else {
      this.trace.step(thread.name, this.place(thread.point!));
      thread.step();
    }
  }

  #fire(early: boolean): void {
    if (early) this.#timeouts--;
    const due = fireNext(this.#options.clock);
    this.trace.event(`time passes: ${due} ms since the start`);
    this.#dirty = true;
  }

  #kill(thread: ModelThread): void {
    this.#deaths--;
    const { point } = thread;
    const where = point === undefined ? `: it ${thread.waitsAt(this)}` : ` before ${this.place(point).text}`;
    this.trace.event(`thread "${thread.name}" dies${where}`);
    this.#end(thread);
    this.#dirty = true;
  }

  #end(thread: ModelThread): void {
    this.#isKilling = true;
    thread.kill();
    this.#isKilling = false;
  }

  /** Nobody can move: is something under way that the machine does not know of? Then it has looked again. */
  async #isComing(): Promise<boolean> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await this.#rest();
      if (this.threads.some((thread) => thread.canRun)) return true;
      if (busyRequests() > 0) quiet = -1;
    }
    return false;
  }

  #checkEnd(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (!this.#options.choices.isFollowed)
      throw new RangeError(
        'Cannot follow the choices: the schedule has ended before; what is explored is not deterministic',
      );
    const stuck = this.threads.filter(
      ({ status, name }) => status === 'alive' && !this.#options.daemons.includes(name),
    );
    if (stuck.length === 0) return;
    const what = this.areTasks ? 'task' : 'thread';
    const each = stuck.map((thread) => `${what} "${thread.name}" ${thread.waitsAt(this)}`);
    throw new DeadlockError(each.join('; '));
  }
}

/** A number for where they stand. */
function markOf(threads: readonly ModelThread[]): number {
  return threads.reduce((mark, { id, place }) => (mark * 31 + id * 4099 + place) | 0, 0);
}
