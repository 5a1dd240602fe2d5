/** Functions whose steps are known: called by explored code they are a part of it, by others they are functions. */
import { InvalidStateError } from '../../core/errors.ts';
import type { AnyFunction } from '../../function/registry.ts';
import { runningMachine } from './machine.ts';
import type { Steps } from './steps.ts';
import { currentThread } from './thread.ts';

export type Body = (this: unknown, ...args: never[]) => Steps;

interface Explored {
  readonly body: Body;
  readonly isAsync: boolean;
}

/** What the functions of explored code are made of. */
const bodies = new WeakMap<AnyFunction, Explored>();

/** Whether that function was rewritten. */
export function isExplored(fn: unknown): boolean {
  return bodies.has(fn as AnyFunction);
}

/** Runs an explored function as a part of the caller's code; any other is just called. */
export function* call(fn: AnyFunction, self: unknown, args: readonly unknown[]): Steps {
  const own = bodies.get(fn);
  if (own === undefined) return Reflect.apply(fn, self, args);
  const steps = Reflect.apply(own.body, self, args) as Steps;
  return own.isAsync ? yield { kind: 'begin', steps } : yield* steps;
}

/** The code of an explored function by itself, async or not; its value may be a promise. */
export function stepsOf(fn: AnyFunction, args: readonly unknown[]): Steps {
  const own = bodies.get(fn);
  return own === undefined ? call(fn, undefined, args) : Reflect.apply(own.body, undefined, args);
}

/** Starts code of its own, as the call of an async function by somebody who cannot be suspended. */
export function spawn(steps: Steps): Promise<unknown> {
  const thread = currentThread();
  if (thread === undefined || thread.status !== 'alive') return outsideThreads(steps);
  runningMachine()?.touched();
  return thread.spawn(steps);
}

/** In `setup` and `check` nobody else runs. */
async function outsideThreads(steps: Steps): Promise<unknown> {
  let result = steps.next();
  while (result.done !== true) {
    const stop = result.value;
    if (stop.kind === 'begin') result = steps.next(outsideThreads(stop.steps));
    else if (stop.kind === 'point') result = steps.next();
    else {
      let value: unknown;
      try {
        value = await stop.promise;
      } catch (error) {
        result = steps.throw(error);
        continue;
      }
      result = steps.next(value);
    }
  }
  return result.value;
}

/** Runs code that cannot be suspended here: its steps happen at once, and it must not wait. */
export function atOnce(steps: Steps): unknown {
  let result = steps.next();
  while (result.done !== true) {
    const stop = result.value;
    if (stop.kind === 'point') result = steps.next();
    else if (stop.kind === 'begin') result = steps.next(spawn(stop.steps));
    else {
      const machine = runningMachine();
      const where =
        machine === undefined ? '' : ` ${machine.place(stop.site).text} (${machine.place(stop.site).place})`;
      const error = new InvalidStateError(
        `Cannot explore${where}: it waits in code that cannot be suspended, such as a callback of a built-in, a constructor or an accessor; make it a loop, or a method`,
      );
      machine?.fail(error);
      stop.promise.then(undefined, () => {});
      result = steps.throw(error);
    }
  }
  return result.value;
}

/** A function that anybody can call, made of steps. */
export function callable(body: Body, isAsync: boolean, name: string): AnyFunction {
  const fn = isAsync
    ? function (this: unknown, ...args: never[]): unknown {
        return spawn(Reflect.apply(body, this, args));
      }
    : function (this: unknown, ...args: never[]): unknown {
        return atOnce(Reflect.apply(body, this, args));
      };
  Object.defineProperty(fn, 'name', { value: name, configurable: true });
  Object.defineProperty(fn, 'length', { value: body.length, configurable: true });
  bodies.set(fn, { body, isAsync });
  return fn;
}
