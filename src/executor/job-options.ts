/** Submit options: checked, and merged with those of the executor. */
import { checkInteger, checkOneOf, checkSignal, checkTimeout, show } from '../core/arguments.ts';
import { type ContextStorage, isContextStorage } from '../function/storage.ts';
import { CapacityLimiter } from '../sync/capacity-limiter.ts';
import type { OnCancel, SubmitOptions } from './executor.ts';
import type { JobOptions } from './job.ts';

const ON_CANCEL: readonly OnCancel[] = ['wait', 'terminate', 'abandon'];

export const defaultJobOptions: JobOptions = Object.freeze({
  signal: undefined,
  timeout: Infinity,
  runTimeout: Infinity,
  priority: 0,
  name: undefined,
  onCancel: 'wait',
  grace: 100,
  idempotent: false,
  limiter: undefined,
  context: [],
});

/**
 * `base` with everything that `given` says.
 *
 * @throws TypeError, RangeError for an option of the wrong kind or out of range.
 */
export function mergeJobOptions(base: JobOptions, given: SubmitOptions): JobOptions {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`options must be an object, received ${show(given)}`);
  }
  return {
    signal: checkSignal(given.signal) ?? base.signal,
    timeout: given.timeout === undefined ? base.timeout : checkTimeout(given.timeout),
    runTimeout:
      given.runTimeout === undefined ? base.runTimeout : checkTimeout(given.runTimeout, 'runTimeout'),
    priority:
      given.priority === undefined
        ? base.priority
        : checkInteger(given.priority, 'priority', { min: Number.MIN_SAFE_INTEGER }),
    name: given.name === undefined ? base.name : String(given.name),
    onCancel:
      given.onCancel === undefined ? base.onCancel : checkOneOf(given.onCancel, 'onCancel', ON_CANCEL),
    grace: given.grace === undefined ? base.grace : checkTimeout(given.grace, 'grace'),
    idempotent:
      given.idempotent === undefined ? base.idempotent : checkBoolean(given.idempotent, 'idempotent'),
    limiter: given.limiter === undefined ? base.limiter : checkLimiter(given.limiter),
    context: given.context === undefined ? base.context : checkContext(given.context),
  };
}

function checkLimiter(value: unknown): CapacityLimiter {
  if (value instanceof CapacityLimiter) return value;
  throw new TypeError(`limiter must be a CapacityLimiter, received ${show(value)}`);
}

function checkContext(value: unknown): readonly ContextStorage[] {
  if (!Array.isArray(value)) throw new TypeError(`context must be an array, received ${show(value)}`);
  for (const [index, storage] of value.entries())
    if (!isContextStorage(storage))
      throw new TypeError(
        `context[${index}] must be an AsyncLocalStorage, or have run and get, received ${show(storage)}`,
      );
  return [...value];
}

function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${name} must be true or false, received ${show(value)}`);
}
