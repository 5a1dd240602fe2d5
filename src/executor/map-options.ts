/** The options of `map`, checked and with every default filled in. */
import {
  checkInteger,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkTimeout,
  show,
} from '../core/arguments.ts';
import type { MapOptions } from './executor.ts';

export interface MapSettings {
  readonly args: readonly unknown[];
  readonly ordered: boolean;
  readonly onError: 'stop' | 'skip' | 'settle';
  readonly entries: boolean;
  readonly chunkSize: number | 'auto';
  readonly buffer: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timeout: number;
}

/** @throws TypeError, RangeError for an option of the wrong kind or out of range. */
export function readMapOptions(options: MapOptions | undefined): MapSettings {
  const given = checkOptions(options) as MapOptions;
  const { args = [], chunkSize = 1, buffer } = given;
  if (!Array.isArray(args)) throw new TypeError(`args must be an array, received ${show(args)}`);
  return {
    args,
    ordered: given.ordered ?? true,
    onError: checkOneOf(given.onError ?? 'stop', 'onError', ['stop', 'skip', 'settle']),
    entries: given.entries ?? false,
    chunkSize: chunkSize === 'auto' ? 'auto' : checkInteger(chunkSize, 'chunkSize', { min: 1 }),
    buffer: buffer === undefined ? undefined : checkInteger(buffer, 'buffer', { min: 1, infinite: true }),
    signal: checkSignal(given.signal),
    timeout: checkTimeout(given.timeout),
  };
}
