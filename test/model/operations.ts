/**
 * What transformed code and models do to a simulated thread: announce an atomic operation, await, start a task.
 *
 * A transformed function is a generator. It announces an operation by filling the fields of the thread that runs
 * ({@link current}) and yields; the machine performs the operation when that thread is chosen to move, and resumes
 * the generator with the result. Nothing is allocated for a step.
 */
import { ModelPromise } from './model-promise.ts';

/** A transformed function under way. What it yields is of no interest: the operation stands in the thread's fields. */
export type Steps<T = void> = Generator<unknown, T, unknown>;

/** Operations by number; the number stands in {@link Operation.kind}. */
export type Kind =
  | 'none'
  | 'load'
  | 'store'
  | 'add'
  | 'sub'
  | 'and'
  | 'or'
  | 'xor'
  | 'exchange'
  | 'compareExchange'
  | 'wait'
  | 'notify'
  | 'waitAsync'
  | 'isLockFree'
  | 'pause'
  | 'step'
  | 'until'
  | 'choose';

export const KIND: Readonly<Record<Kind, number>> = {
  none: 0,
  load: 1,
  store: 2,
  add: 3,
  sub: 4,
  and: 5,
  or: 6,
  xor: 7,
  exchange: 8,
  compareExchange: 9,
  wait: 10,
  notify: 11,
  waitAsync: 12,
  isLockFree: 13,
  pause: 14,
  step: 15,
  until: 16,
  choose: 17,
};

export const KINDS: readonly string[] = Object.keys(KIND);

/** The operation that a thread is about to perform. */
export interface Operation {
  kind: number;
  /** Index into {@link sites}; 0 for an operation of the model itself. */
  site: number;
  array: Int32Array;
  index: number;
  x: unknown;
  y: unknown;
  /** What the task is about to await, when it yielded {@link AWAIT}. */
  awaiting: unknown;
}

/** A task of a loop: an async function under way, a callback, or the thread's own body. */
export interface Task {
  readonly steps: Steps<unknown>;
  /** Settled with the outcome; without one, a throw fails the schedule. */
  readonly promise: ModelPromise<unknown> | undefined;
  readonly thread: LoopOfThread;
}

/** What operations need to know of a simulated thread. */
export interface LoopOfThread extends Operation {
  readonly name: string;
  openTasks: number;
  enqueue(microtask: Microtask): void;
}

/** A continuation that a loop runs in turn: resume a task, or call a function and settle a promise with its outcome. */
export interface Microtask {
  readonly task: Task | undefined;
  readonly callback: ((value: unknown) => unknown) | undefined;
  readonly settles: ModelPromise<unknown> | undefined;
  readonly value: unknown;
  readonly throws: boolean;
}

/** Yielded by a task that awaits `current.awaiting`. */
export const AWAIT: unique symbol = Symbol('await');

/** Where atomic operations stand in the sources: `src/park/cell.ts:12`. */
export const sites: string[] = ['(model)'];

const WORD = new Int32Array(1);

/** Runs what happens outside of any schedule: the making of a world, a check. */
class Outside implements LoopOfThread {
  readonly name = '(outside)';
  kind = 0;
  site = 0;
  array: Int32Array = WORD;
  index = 0;
  x: unknown = undefined;
  y: unknown = undefined;
  awaiting: unknown = undefined;
  openTasks = 0;
  enqueue(): void {
    throw new Error('Cannot continue a task: no thread of the model is running');
  }
}

const outside: LoopOfThread = new Outside();

/** The thread whose code runs at this moment. */
export let current: LoopOfThread = outside;

export function setCurrent(thread: LoopOfThread | undefined): void {
  current = thread ?? outside;
}

/** Announces an operation; the caller yields right after. Called by transformed code only. */
export function announce(
  kind: number,
  site: number,
  array: Int32Array,
  index: number,
  x?: unknown,
  y?: unknown,
): void {
  const thread = current;
  thread.kind = kind;
  thread.site = site;
  thread.array = array;
  thread.index = index;
  thread.x = x;
  thread.y = y;
}

/** The prototype of all generators, as a class to ask with `instanceof`. */
export const AnySteps: { new (): Steps<unknown> } = generatorClass();

function generatorClass(): { new (): Steps<unknown> } {
  const prototype: unknown = Object.getPrototypeOf(Object.getPrototypeOf((function* () {})()));
  const type = (() => {}) as unknown as { new (): Steps<unknown>; prototype: unknown };
  type.prototype = prototype;
  return type;
}

/** Performs an operation that neither blocks nor needs a choice, by the built-in. */
export function perform(at: Operation): unknown {
  const { array, index } = at;
  switch (at.kind) {
    case 1:
      return Atomics.load(array, index);
    case 2:
      return Atomics.store(array, index, at.x as number);
    case 3:
      return Atomics.add(array, index, at.x as number);
    case 4:
      return Atomics.sub(array, index, at.x as number);
    case 5:
      return Atomics.and(array, index, at.x as number);
    case 6:
      return Atomics.or(array, index, at.x as number);
    case 7:
      return Atomics.xor(array, index, at.x as number);
    case 8:
      return Atomics.exchange(array, index, at.x as number);
    case 9:
      return Atomics.compareExchange(array, index, at.x as number, at.y as number);
    default:
      return undefined;
  }
}

/**
 * Runs `value`, if it is a transformed function under way, to its end at once, without steps: for the making of a
 * world and for checks. It must not wait.
 */
export function atOnce<T>(value: T): T {
  if (!(value instanceof AnySteps)) return value;
  const before = current;
  current = outside;
  try {
    let result: unknown;
    for (;;) {
      outside.kind = KIND.none;
      const { done, value: returned } = value.next(result);
      if (done === true) return returned as T;
      if (outside.kind === KIND.wait || returned === AWAIT) {
        throw new Error('Cannot run at once: the function waits; run it in a thread of the model');
      }
      result = outside.kind === KIND.notify ? 0 : perform(outside);
    }
  } finally {
    current = before;
  }
}

/**
 * Begins an async function: runs `steps` as part of the caller up to the first await, and returns its promise.
 * Transformed async functions consist of this call.
 */
export function* begin<T>(steps: Steps<T>): Steps<ModelPromise<T>> {
  const thread = current;
  const promise = new ModelPromise<T>();
  thread.openTasks++;
  try {
    let result: unknown;
    for (;;) {
      const { done, value } = steps.next(result);
      if (done === true) {
        promise.resolve(value as T);
        break;
      }
      if (value === AWAIT) {
        const task: Task = { steps, promise: promise as ModelPromise<unknown>, thread };
        subscribe(task, thread.awaiting);
        return promise;
      }
      result = yield value;
    }
  } catch (error) {
    promise.reject(error);
  }
  thread.openTasks--;
  return promise;
}

/** Lets `task` go on, in a microtask of its loop, when `value` is settled. */
export function subscribe(task: Task, value: unknown): void {
  const { thread } = task;
  const resume = (outcome: unknown, throws: boolean): void =>
    thread.enqueue({ task, callback: undefined, settles: undefined, value: outcome, throws });
  if (value instanceof ModelPromise) value.subscribe(resume);
  else if (value instanceof Promise) {
    throw new Error('Cannot await a native promise in a model: it settles outside of the schedule');
  } else if (typeof (value as { then?: unknown } | null | undefined)?.then === 'function') {
    const promise = new ModelPromise<unknown>();
    promise.subscribe(resume);
    promise.resolve(value);
  } else resume(value, false);
}
