import { checkFunction, show } from '../core/arguments.ts';
import { type AnyFunction, registry } from './registry.ts';

/**
 * An inline function together with the values that it needs from its surroundings: the values travel with it, and
 * come first when it is called.
 *
 * - Called in place, it gets the very `values`; sent to a thread, a copy of what they are when it is sent.
 * - `values` may hold whatever may be an argument of a job; what cannot go is refused where the function is sent.
 * - The function itself may use globals and its parameters only, like every inline function.
 *
 * @throws {TypeError} `values` is no object, or `fn` no function.
 *
 * @example
 * ```ts
 * import { capture, isMainThread, toThread } from 'heddle';
 *
 * if (isMainThread) {
 *   const rate = 1.19;
 *   const gross = capture({ rate }, ({ rate }, net: number) => net * rate);
 *   console.log(gross(100), await toThread(gross, 100));
 * }
 * ```
 */
export function capture<C extends object, A extends unknown[], R>(
  values: C,
  fn: (values: C, ...args: A) => R,
): (...args: A) => R {
  if (typeof values !== 'object' || values === null)
    throw new TypeError(`values must be an object, received ${show(values)}`);
  checkFunction(fn, 'fn');
  const bound = (...args: A): R => fn(values, ...args);
  Object.defineProperty(bound, 'name', { value: fn.name, configurable: true });
  registry.captures.set(bound as AnyFunction, { values, fn: fn as AnyFunction });
  return bound;
}
