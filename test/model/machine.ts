import type { Choices } from '../../src/testing/explore/choices.ts';
import { events, type LoopEvent } from './loop-event.ts';
import { ModelPromise } from './model-promise.ts';
import { ModelThread } from './model-thread.ts';
import { KIND, perform, type Steps } from './operations.ts';
import { type Waiter, WaiterList } from './waiter-list.ts';

/** How often each kind of fault may happen in one schedule. */
export interface Budgets {
  readonly deaths: number;
  readonly timeouts: number;
  readonly cancellations: number;
  readonly spuriousWakes: number;
}

/** Told of each step in a replay. */
export interface Observer {
  operation(thread: ModelThread, result: unknown): void;
  event(thread: ModelThread, what: string): void;
}

export interface MachineOptions {
  readonly choices: Choices;
  readonly budgets: Budgets;
  readonly preemptionBound: number;
  readonly mortal: readonly string[] | undefined;
  readonly onDeath: ((name: string) => void) | undefined;
}

// Module constants, for they are compared at every step.
const {
  store: STORE,
  compareExchange: COMPARE_EXCHANGE,
  wait: WAIT,
  waitAsync: WAIT_ASYNC,
  notify: NOTIFY,
} = KIND;
const { choose: CHOOSE, isLockFree: IS_LOCK_FREE, until: UNTIL, pause: PAUSE } = KIND;

/** The kinds of options at a step; an option is a kind and the number of a thread, waiter or event. */
const MOVE = 0;
const DIE = 1 << 16;
const TIME_OUT = 2 << 16;
const WAKE = 3 << 16;
const FIRE = 4 << 16;
const KIND_BITS = 7 << 16;

/**
 * The simulated machine: it holds the threads and the waiters of one schedule, and performs one step at a time.
 *
 * A step is one atomic operation of one thread and the plain code up to its next one; or the loop of a thread taking
 * up what has arrived for it; or a fault. A woken thread runs its plain code right after the step of its waker, which
 * is no restriction: plain code that is free of races commutes with the steps of others.
 */
export class Machine {
  readonly threads: ModelThread[] = [];
  observer: Observer | undefined;
  readonly #waiters: WaiterList = new WaiterList();
  readonly #woken: ModelThread[] = [];
  /** The options of the step at hand, the first `#count` of them. */
  #options: Int32Array = new Int32Array(64);
  #count = 0;
  readonly #choices: Choices;
  readonly #given: MachineOptions;
  readonly #faults: boolean;
  readonly #preemptionBound: number;
  #last: ModelThread | undefined;
  #preemptions = 0;
  #resting = 0;
  #deaths = 0;
  #timeouts = 0;
  #cancellations = 0;
  #spuriousWakes = 0;

  constructor(options: MachineOptions) {
    this.#given = options;
    this.#choices = options.choices;
    const { deaths, timeouts, cancellations, spuriousWakes } = options.budgets;
    this.#preemptionBound = options.preemptionBound;
    this.#faults = deaths + timeouts + cancellations + spuriousWakes > 0;
  }

  /** Begins a schedule: every thread runs up to its first operation. */
  start(bodies: Readonly<Record<string, () => Steps<unknown>>>): void {
    this.#waiters.clear();
    this.#woken.length = 0;
    events.length = 0;
    this.#last = undefined;
    this.#preemptions = 0;
    this.#resting = 0;
    const { deaths, timeouts, cancellations, spuriousWakes } = this.#given.budgets;
    this.#deaths = deaths;
    this.#timeouts = timeouts;
    this.#cancellations = cancellations;
    this.#spuriousWakes = spuriousWakes;
    const { threads } = this;
    let count = 0;
    for (const name in bodies) {
      const body = bodies[name]!();
      if (threads[count]?.name !== name) threads[count] = new ModelThread(name, count);
      threads[count++]!.begin(body);
    }
    if (threads.length > count) threads.length = count;
    for (const thread of threads) thread.resume(undefined);
  }

  isDead(name: string): boolean {
    return this.threads.some((thread) => thread.name === name && thread.state === 'dead');
  }

  /** Performs one step; false when nothing can move. */
  step(): boolean {
    const { threads } = this;
    this.#count = 0;
    if (this.#resting > 0 && threads.every((thread) => thread.resting || !canMove(thread))) this.#endRest();
    const last = this.#last;
    const goesOn = last !== undefined && !last.resting && canMove(last);
    if (goesOn) this.#add(MOVE | last.id);
    if (!goesOn || last.state !== 'ready' || this.#preemptions < this.#preemptionBound) {
      for (let id = 0; id < threads.length; id++) {
        const thread = threads[id]!;
        if (thread !== last && !thread.resting && canMove(thread)) this.#add(MOVE | id);
      }
    }
    const moves = this.#count;
    if (this.#faults) this.#addFaults();
    if (this.#count === 0) this.#addTimeouts();
    if (this.#count === 0) return false;
    const option = this.#options[this.#choices.choose(this.#count, moves)]!;
    const kind = option & KIND_BITS;
    const number = option & ~KIND_BITS;
    if (kind !== MOVE) this.#fault(kind, number);
    else {
      const thread = threads[number]!;
      if (goesOn && thread !== last && last.state === 'ready') this.#preemptions++;
      this.#last = thread;
      this.#move(thread);
    }
    return true;
  }

  #add(option: number): void {
    if (this.#count === this.#options.length) {
      const longer = new Int32Array(2 * this.#count);
      longer.set(this.#options);
      this.#options = longer;
    }
    this.#options[this.#count++] = option;
  }

  #move(thread: ModelThread): void {
    if (thread.state !== 'ready') {
      const { promise, outcome } = thread.arrivals.shift()!;
      this.observer?.event(thread, `takes up waitAsync: '${outcome}'`);
      promise!.resolve(outcome);
      thread.run();
      return;
    }
    let result: unknown;
    try {
      result = this.#perform(thread);
    } catch (error) {
      this.observer?.operation(thread, error);
      thread.resume(error, true);
      return;
    }
    this.observer?.operation(thread, result);
    if (this.#resting > 0 && writes(thread, result)) this.#endRest();
    if (thread.state === 'ready') thread.resume(result);
    while (this.#woken.length > 0) this.#woken.shift()!.resume('ok');
  }

  #perform(thread: ModelThread): unknown {
    const { kind, array, index } = thread;
    switch (kind) {
      case WAIT:
        if (Atomics.load(array, index) !== expected(thread.x)) return 'not-equal';
        if (Number(thread.y ?? Infinity) <= 0) return 'timed-out';
        this.#waiters.add(thread, thread);
        thread.state = 'parked';
        return 'parked';
      case WAIT_ASYNC: {
        if (Atomics.load(array, index) !== expected(thread.x)) return { async: false, value: 'not-equal' };
        if (Number(thread.y ?? Infinity) <= 0) return { async: false, value: 'timed-out' };
        const promise = new ModelPromise<unknown>();
        this.#waiters.add(thread, thread, promise);
        return { async: true, value: promise };
      }
      case NOTIFY:
        return this.#waiters.notify(thread, Number(thread.x ?? Infinity), this.#choices, this.#wake);
      case CHOOSE:
        return this.#choices.choose(thread.x as number);
      case IS_LOCK_FREE:
        return true;
      case PAUSE:
        thread.resting = true;
        this.#resting++;
        return undefined;
      default:
        return perform(thread);
    }
  }

  /** A parked thread goes on right after this step, the continuation of an async waiter in a step of its loop. */
  readonly #wake = (waiter: Waiter): void => {
    if (waiter.promise !== undefined) waiter.thread.arrivals.push(waiter);
    else this.#woken.push(waiter.thread);
  };

  /** Who spins looks again once something was written, or when nobody else can move. */
  #endRest(): void {
    this.#resting = 0;
    for (const thread of this.threads) thread.resting = false;
  }

  #addFaults(): void {
    const { mortal } = this.#given;
    if (this.#deaths > 0) {
      for (const { state, name, id } of this.threads) {
        if (state === 'dead' || state === 'done') continue;
        if (mortal === undefined || mortal.includes(name)) this.#add(DIE | id);
      }
    }
    if (this.#timeouts > 0) this.#addTimeouts();
    if (this.#spuriousWakes > 0) {
      this.#waiters.entries.forEach(({ thread }, at) => {
        if (thread.state === 'parked') this.#add(WAKE | at);
      });
    }
    if (this.#cancellations > 0) this.#addEvents('cancel');
  }

  /** Time passes for whoever waits with a limit; beyond the budget only when nothing else can happen. */
  #addTimeouts(): void {
    this.#waiters.entries.forEach(({ timed, thread }, at) => {
      if (timed && thread.state !== 'dead') this.#add(TIME_OUT | at);
    });
    this.#addEvents('timeout');
  }

  /** A loop takes up an event between two tasks. */
  #addEvents(kind: LoopEvent['kind']): void {
    events.forEach((event, at) => {
      if (event.kind === kind && event.thread.state === 'idle') this.#add(FIRE | at);
    });
  }

  #fault(kind: number, number: number): void {
    if (kind === DIE) return this.#die(this.threads[number]!);
    if (kind === FIRE) return this.#fire(events[number]!);
    const waiter = this.#waiters.take(number);
    const { thread } = waiter;
    this.observer?.event(thread, kind === WAKE ? 'wakes up spuriously' : 'times out');
    if (kind === WAKE) this.#spuriousWakes--;
    else this.#timeouts--;
    if (kind === TIME_OUT) waiter.outcome = 'timed-out';
    if (waiter.promise === undefined) thread.resume(waiter.outcome);
    else this.#wake(waiter);
  }

  #die(thread: ModelThread): void {
    this.#deaths--;
    this.observer?.event(thread, 'dies');
    thread.state = 'dead';
    this.#given.onDeath?.(thread.name);
  }

  #fire(event: LoopEvent): void {
    if (event.kind === 'cancel') this.#cancellations--;
    else this.#timeouts--;
    const thread = event.thread as ModelThread;
    this.observer?.event(thread, event.kind === 'cancel' ? 'is cancelled' : 'has its timer run out');
    events.splice(events.indexOf(event), 1);
    thread.run(event.begin());
  }
}

function writes({ kind, x }: ModelThread, result: unknown): boolean {
  return kind >= STORE && kind <= COMPARE_EXCHANGE && (kind !== COMPARE_EXCHANGE || result === x);
}

/** The value that a wait compares with, as the built-in converts it. */
function expected(value: unknown): unknown {
  return typeof value === 'number' ? value | 0 : value;
}

function canMove(thread: ModelThread): boolean {
  if (thread.state === 'ready') return thread.kind !== UNTIL || (thread.x as () => boolean)();
  return thread.arrivals.length > 0 && (thread.state === 'idle' || thread.state === 'done');
}

/** Rejections that nobody handled, at the end of a schedule. */
export function takeUnhandled(): unknown {
  const { unhandled } = ModelPromise;
  if (unhandled.size === 0) return undefined;
  const [first] = unhandled;
  unhandled.clear();
  return first?.reason;
}
