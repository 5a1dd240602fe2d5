import {
  AnySteps,
  AWAIT,
  KIND,
  type LoopOfThread,
  type Microtask,
  type Steps,
  setCurrent,
  subscribe,
  type Task,
} from './operations.ts';
import type { Waiter } from './waiter-list.ts';

const NONE = KIND.none;
const NO_ARRAY = new Int32Array(1);

/**
 * One simulated thread with its loop. It runs code up to the next atomic operation and stops there.
 *
 * | State  | Means                                            | Left by                              |
 * |--------|--------------------------------------------------|--------------------------------------|
 * | ready  | an operation is announced                        | being chosen to move                 |
 * | parked | blocked in `Atomics.wait`                        | notify, time-out, spurious wake-up   |
 * | idle   | the loop has open tasks, and nothing to run      | an arrival, a timer, a cancellation  |
 * | done   | the body has returned, and no task is open       |                                      |
 * | dead   | killed; its generators are never resumed         |                                      |
 */
export class ModelThread implements LoopOfThread {
  readonly name: string;
  readonly id: number;
  state: 'ready' | 'parked' | 'idle' | 'done' | 'dead' = 'ready';

  kind = 0;
  site = 0;
  array: Int32Array = NO_ARRAY;
  index = 0;
  x: unknown = undefined;
  y: unknown = undefined;
  awaiting: unknown = undefined;

  /** It spins: others go first. */
  resting = false;
  /** Async functions under way on this loop, and the body. */
  openTasks = 1;
  /** Settled async waiters which the loop has not looked at, oldest first. */
  readonly arrivals: Waiter[] = [];
  readonly #microtasks: Microtask[] = [];
  #task: Task | undefined;

  constructor(name: string, id: number) {
    this.name = name;
    this.id = id;
  }

  /** Begins a schedule. */
  begin(body: Steps<unknown>): void {
    this.state = 'ready';
    this.resting = false;
    this.openTasks = 1;
    if (this.arrivals.length > 0) this.arrivals.length = 0;
    if (this.#microtasks.length > 0) this.#microtasks.length = 0;
    this.#task = { steps: body, promise: undefined, thread: this };
  }

  enqueue(microtask: Microtask): void {
    this.#microtasks.push(microtask);
  }

  /** Begins another task on the idle loop, or goes on with what has been enqueued. */
  run(steps?: Steps<unknown>): void {
    if (steps !== undefined) {
      this.openTasks++;
      this.#task = { steps, promise: undefined, thread: this };
    }
    this.resume(undefined);
  }

  /** Goes on with the result of the operation, up to the next one. */
  resume(value: unknown, throws = false): void {
    setCurrent(this);
    try {
      for (;;) {
        const task = this.#task;
        if (task !== undefined) {
          if (this.#advance(task, value, throws)) return;
          this.#task = undefined;
        }
        const next = this.#microtasks.length === 0 ? undefined : this.#microtasks.shift();
        if (next === undefined) {
          this.state = this.openTasks > 0 ? 'idle' : 'done';
          return;
        }
        value = next.value;
        throws = next.throws;
        if (next.task !== undefined) this.#task = next.task;
        else this.#react(next);
        if (next.task === undefined) {
          value = undefined;
          throws = false;
        }
      }
    } finally {
      setCurrent(undefined);
    }
  }

  /** Runs `task` up to its next operation (true), or until it awaits or ends (false). */
  #advance(task: Task, value: unknown, throws: boolean): boolean {
    this.kind = NONE;
    let result: IteratorResult<unknown, unknown>;
    try {
      result = throws ? task.steps.throw(value) : task.steps.next(value);
    } catch (error) {
      this.openTasks--;
      if (task.promise === undefined) throw error;
      task.promise.reject(error);
      return false;
    }
    if (result.done === true) {
      this.openTasks--;
      task.promise?.resolve(result.value);
      return false;
    }
    if (result.value === AWAIT) {
      subscribe(task, this.awaiting);
      return false;
    }
    if (this.kind === NONE) {
      throw new Error(
        `Cannot go on in thread '${this.name}': a generator that is not transformed code has yielded ${String(result.value)}; wrap calls of transformed functions as yield* call(…)`,
      );
    }
    this.state = 'ready';
    return true;
  }

  /** Runs the callback of a `then`; one with atomics becomes a task. */
  #react({ callback, settles, value, throws }: Microtask): void {
    if (callback === undefined) {
      if (throws) settles?.reject(value);
      else settles?.resolve(value);
      return;
    }
    try {
      const outcome = callback(value);
      if (outcome instanceof AnySteps) {
        this.openTasks++;
        this.#task = { steps: outcome, promise: settles, thread: this };
      } else settles?.resolve(outcome);
    } catch (error) {
      if (settles === undefined) throw error;
      settles.reject(error);
    }
  }
}
