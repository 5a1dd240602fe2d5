/**
 * Calling a function where the values of some storages are those of who submitted it. To a pool it is an ordinary job: this
 * function, which every thread knows, with the function that is meant and the values behind the arguments.
 */
import { type FunctionReference, resolveReference } from '../function/reference.ts';
import { type AnyFunction, registry } from '../function/registry.ts';

/** What goes last among the arguments. */
export interface ContextOfCall {
  readonly fn: FunctionReference;
  /** Runs a function where a storage has a value; and the value. */
  readonly entries: readonly (readonly [run: RunWith, value: unknown])[];
}

/** The `run` of a storage, as a function that another thread finds (`portable`). */
export type RunWith = (value: unknown, fn: () => unknown) => unknown;

type Called = (...args: unknown[]) => unknown;

/** Calls the function that the last argument names with the others. */
export function callInContext(...args: unknown[]): unknown {
  const { fn, entries } = args.pop() as ContextOfCall;
  const found = resolveReference(fn);
  const call = (resolved: AnyFunction): unknown => {
    let inner = (): unknown => (resolved as Called)(...args);
    for (const [run, value] of entries) {
      const next = inner;
      inner = () => run(value, next);
    }
    return inner();
  };
  return found instanceof Promise ? found.then(call) : call(found);
}

// Its module need not be found: each thread has loaded it.
const MARK = { url: 'heddle:context', name: 'call' };
registry.functions.set(`${MARK.url}#${MARK.name}`, callInContext as AnyFunction);
registry.marks.set(callInContext as AnyFunction, MARK);
