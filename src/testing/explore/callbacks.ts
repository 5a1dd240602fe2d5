/** The methods of arrays that call a function for each element, so that it can be suspended. */
import type { AnyFunction } from '../../function/registry.ts';
import type { Steps } from './steps.ts';

type Call = (fn: AnyFunction, self: unknown, args: readonly unknown[]) => Steps;

/** `undefined` for any other method. */
export function loopOver(
  list: readonly unknown[],
  key: PropertyKey,
  args: readonly unknown[],
  call: Call,
): Steps | undefined {
  const fn = args[0] as AnyFunction;
  const each = (index: number): Steps => call(fn, args[1], [list[index], index, list]);
  switch (key) {
    case 'forEach':
      return collect(list, each, () => undefined);
    case 'map':
      return collect(list, each, (results) => results);
    case 'flatMap':
      return collect(list, each, (results) => results.flat());
    case 'filter':
      return collect(list, each, (results) => list.filter((_, index) => results[index]));
    case 'some':
      return search(list, each, true, (index) => index >= 0);
    case 'every':
      return search(list, each, false, (index) => index < 0);
    case 'find':
      return search(list, each, true, (index) => list[index]);
    case 'findIndex':
      return search(list, each, true, (index) => index);
    case 'reduce':
      if (args.length > 1) return reduce(list, fn, 0, args[1], call);
      return list.length > 0 ? reduce(list, fn, 1, list[0], call) : undefined;
    default:
      return undefined;
  }
}

function* collect(
  list: readonly unknown[],
  each: (index: number) => Steps,
  finish: (results: readonly unknown[]) => unknown,
): Steps {
  const results: unknown[] = [];
  for (let index = 0; index < list.length; index++) results[index] = yield* each(index);
  return finish(results);
}

/** The first for which it is as wanted; -1 if there is none. */
function* search(
  list: readonly unknown[],
  each: (index: number) => Steps,
  wanted: boolean,
  finish: (index: number) => unknown,
): Steps {
  for (let index = 0; index < list.length; index++)
    if (Boolean(yield* each(index)) === wanted) return finish(index);
  return finish(-1);
}

function* reduce(list: readonly unknown[], fn: AnyFunction, from: number, first: unknown, call: Call): Steps {
  let result = first;
  for (let index = from; index < list.length; index++)
    result = yield* call(fn, undefined, [result, list[index], index, list]);
  return result;
}
