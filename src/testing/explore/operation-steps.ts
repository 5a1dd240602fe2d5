/** Steps on shared objects: the real operations, blocking ones in their async form. */
import { Atomics } from '#atomics';
import { now } from '../../core/clock.ts';
import { DeadlockError, InvalidStateError, TimeoutError } from '../../core/errors.ts';
import { toThread, toThreadSync } from '../../executor/default-pool.ts';
import { EventLoop } from '../../executor/event-loop.ts';
import { EventLoopPool } from '../../executor/event-loop-pool.ts';
import { ThreadPoolExecutor } from '../../executor/thread-pool-executor.ts';
import type { AnyFunction } from '../../function/registry.ts';
import { currentThread as currentRealThread } from '../../platform/thread-identity.ts';
import { Queue } from '../../queue/queue.ts';
import { isThenable } from '../../scope/call.ts';
import { Condition } from '../../sync/condition.ts';
import { Lock } from '../../sync/lock.ts';
import { RLock } from '../../sync/rlock.ts';
import { RWLock } from '../../sync/rw-lock.ts';
import { select, selectSync } from '../../sync/select.ts';
import { call, isExplored, spawn } from './explored.ts';
import { runningMachine } from './machine.ts';
import { noteGuard, noteItems, noteNext, noteSelected, willGuard } from './notes.ts';
import { asyncForm, isMemory } from './operations.ts';
import type { Steps } from './steps.ts';
import { currentThread } from './thread.ts';

type Options = { readonly timeout?: number; readonly within?: unknown } | undefined;

export function textAt(site: number): string {
  const { text, place } = runningMachine()?.place(site) ?? { text: 'what is called', place: '' };
  return `Cannot call ${text} (${place})`;
}

/** Calls what is no method of a shared object. */
export function* stepOfFunction(site: number, fn: AnyFunction, self: unknown, args: unknown[]): Steps {
  runningMachine()?.touched();
  if (fn === select || fn === selectSync) {
    yield { kind: 'point', site };
    if (runningMachine()?.areTasks) return Reflect.apply(fn, undefined, args);
    const promise = Reflect.apply(select, undefined, args) as Promise<unknown>;
    const noted = promise.then((selected) => {
      noteSelected(args[0], selected);
      return selected;
    });
    return fn === select ? whenIdle(noted) : yield { kind: 'wait', site, promise: noted, blocks: true };
  }
  if (fn === (currentRealThread as unknown)) {
    const thread = currentThread();
    if (thread !== undefined && runningMachine()?.areTasks === false)
      return { id: thread.id, name: thread.name };
  }
  const refusal = whyNot(fn, self);
  if (refusal !== undefined) throw new InvalidStateError(`${textAt(site)}: ${refusal}`);
  const result: unknown = Reflect.apply(fn, self, args);
  if (typeof self === 'object' && self !== null && (self as { next?: unknown }).next === fn)
    noteNext(undefined, self, result);
  return result;
}

/** Why explored code must not call it. */
function whyNot(fn: unknown, self: unknown): string | undefined {
  if (fn === setTimeout || fn === setInterval || fn === setImmediate)
    return "timers of the runtime do not go by the explorer's time; use sleep()";
  const threads =
    fn === toThread ||
    fn === toThreadSync ||
    self instanceof ThreadPoolExecutor ||
    self instanceof EventLoop ||
    self instanceof EventLoopPool;
  return threads ? 'explored code starts no work in other threads; call the function itself' : undefined;
}

/** Calls a method of a shared object, or of shared memory. */
export function* callStep(site: number, of: object, key: PropertyKey, given: unknown[]): Steps {
  yield { kind: 'point', site };
  const object = of as Record<PropertyKey, AnyFunction>;
  if (isMemory(of)) {
    if (of === Atomics && (key === 'wait' || key === 'waitAsync'))
      throw new InvalidStateError(
        `${textAt(site)}: the explorer knows no waits but those of heddle; use an Event or a Condition`,
      );
    const result = Reflect.apply(object[key]!, of, given);
    if (result !== undefined) runningMachine()?.trace.note(`→ ${String(result)}`);
    return result;
  }
  runningMachine()?.touched();
  if (runningMachine()?.areTasks) return Reflect.apply(object[key]!, of, given);
  const name = asyncForm(of, key);
  const blocks = name !== undefined;
  if (name === 'values')
    throw new InvalidStateError(
      `${textAt(site)}: a loop over it cannot be suspended; write one with getSync()`,
    );
  if (of instanceof Condition && (name ?? key) === 'waitFor') return yield* waitFor(site, of, given, blocks);
  const thread = currentThread();
  const args = argumentsOf(site, of, name ?? key, given, blocks);
  if (blocks) checkNotForItself(of, key);
  if (of instanceof Queue && key === 'taskDone' && thread?.belongings.finish(of) === false)
    throw new InvalidStateError(`${textAt(site)}: this thread has taken no item that is not done`);
  if (of instanceof RLock && key === 'tryAcquire') return yield* tryAgain(site, of, args);
  try {
    let result: unknown = Reflect.apply(object[name ?? key]!, of, args);
    if (blocks) result = yield { kind: 'wait', site, promise: result as Promise<unknown>, blocks };
    else if (result instanceof Promise) {
      result = whenIdle(result);
      willGuard(result as object, of);
    }
    noteGuard(of, result);
    if (of instanceof Queue) noteItems(of, name ?? key, result);
    return result;
  } catch (error) {
    noteGuard(of, error);
    throw error;
  }
}

/** The same promise, which settles when a promise of a thread's own loop could. */
function whenIdle(promise: Promise<unknown>): Promise<unknown> {
  const thread = currentThread();
  if (thread === undefined) return promise;
  return new Promise((resolve, reject) => {
    const settle = (how: () => void): void => thread.whenIdle(() => thread.status !== 'dead' && how());
    promise.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
  });
}

function argumentsOf(
  site: number,
  of: object,
  key: PropertyKey,
  given: unknown[],
  blocks: boolean,
): unknown[] {
  const args = [...given];
  if (key === 'run' && isExplored(args[0])) args[0] = asTask(site, of, args[0] as AnyFunction, blocks);
  // The blocking forms enter again what their thread has, of which heddle does not know.
  const within = of instanceof RLock && blocks ? currentThread()?.belongings.guardOf(of) : undefined;
  if (within !== undefined) {
    const at = key === 'run' ? 1 : 0;
    args[at] = { ...(args[at] as object | undefined), within };
  }
  return args;
}

/** A function that the primitive calls while it is held: its steps are the thread's, and so is the release after them. */
function asTask(site: number, of: object, fn: AnyFunction, blocks: boolean): () => Promise<unknown> {
  const { belongings } = currentThread() ?? {};
  return () =>
    spawn(
      (function* (): Steps {
        belongings?.enter(of);
        try {
          const result = yield* call(fn, undefined, []);
          if (!isThenable(result)) return result;
          if (blocks) throw new TypeError(`${textAt(site)}: fn returned a promise; use run()`);
          return yield { kind: 'wait', site, promise: result, blocks: false };
        } finally {
          yield { kind: 'point', site };
          runningMachine()?.trace.note('(its end)');
          belongings?.leave(of);
        }
      })(),
    );
}

/** The blocking forms know their thread, which heddle takes for one and the same. */
function checkNotForItself(of: object, key: PropertyKey): void {
  const { belongings } = currentThread() ?? {};
  const has = belongings?.guardOf(of) !== undefined || belongings?.isInside(of) === true;
  const exclusive = of instanceof Lock || (of instanceof RWLock && key === 'writeSync');
  if (has && exclusive)
    throw new DeadlockError('Cannot acquire lock: this thread has it, and would wait for itself');
}

/** `RLock.tryAcquire()`: at once for the thread that has it, not at all for others. */
function* tryAgain(site: number, lock: RLock, args: unknown[]): Steps {
  const thread = currentThread();
  const within = thread?.belongings.guardOf(lock);
  const has = within !== undefined || thread?.belongings.isInside(lock) === true;
  if (!has && lock.locked) return undefined;
  try {
    const got = has
      ? yield { kind: 'wait', site, promise: lock.acquire({ within }), blocks: true }
      : Reflect.apply(lock.tryAcquire, lock, args);
    noteGuard(lock, got);
    return got;
  } catch (error) {
    noteGuard(lock, error);
    throw error;
  }
}

/** `Condition.waitFor()`, with a predicate that can be suspended. */
function* waitFor(site: number, condition: Condition, given: unknown[], blocks: boolean): Steps {
  const [guard, predicate, options] = given as [never, AnyFunction, Options];
  const timeout = options?.timeout ?? Infinity;
  const end = now() + timeout;
  const loop = function* (): Steps {
    for (;;) {
      const value = yield* call(predicate, undefined, []);
      if (isThenable(value))
        throw new TypeError(`${textAt(site)}: predicate returned a promise; it must be a plain function`);
      if (value) return value;
      const left = end - now();
      if (left <= 0) throw new TimeoutError(`${textAt(site)}: ${timeout} ms have passed`);
      const promise = condition.wait(guard, { ...options, ...(timeout !== Infinity && { timeout: left }) });
      yield { kind: 'wait', site, promise, blocks };
      runningMachine()?.touched();
    }
  };
  return blocks ? yield* loop() : spawn(loop());
}
