/**
 * Functions that a pool knows: their references stand in shared memory, once however many threads submit them, and a job names
 * its function by that address. They go with the pool.
 */
import type { Wire } from '../codec/wire.ts';
import type { FunctionReference } from '../function/reference.ts';
import type { AnyFunction } from '../function/registry.ts';
import type { Parking } from '../park/parking.ts';
import { payloadsOf } from './payloads.ts';

/** A function as an owner knows it: a number that lasts as long as the process, and what a thread needs to find it. */
export interface KnownFunction {
  /** 0 for a function that is used once: the thread does not keep it. */
  readonly id: number;
  readonly reference: Wire<FunctionReference>;
  /** What messages call it. */
  readonly name: string;
  /** The function itself, if it travels as text: while it is there, it can be told where that is written. */
  readonly inline?: AnyFunction;
}

/** What stands in the block of a function. */
export type FunctionEntry = readonly [name: string, reference: FunctionReference];

/** Beyond so many, references go with their jobs: functions that are made up must not fill the memory. */
const MOST_FUNCTIONS = 4096;

/** The functions that this thread has told a pool. */
export class Functions {
  readonly #blocks = new Map<number, number>();

  /** The block of the function; 0 if it must go with the job. */
  blockOf(fn: KnownFunction, parking: Parking, pool: number): number {
    if (fn.id === 0) return 0;
    const known = this.#blocks.get(fn.id);
    if (known !== undefined) return known;
    if (this.#blocks.size >= MOST_FUNCTIONS) return 0;
    const block = payloadsOf(parking).makeFunction([fn.name, fn.reference.value as FunctionReference], pool);
    this.#blocks.set(fn.id, block);
    return block;
  }
}
