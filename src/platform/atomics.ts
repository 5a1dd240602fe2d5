/**
 * The one seam through which heddle reaches atomic operations, imported as `#atomics`. It re-exports the built-in
 * object and wraps nothing: a JavaScript call inside a critical section could overflow the stack there.
 */

/** What every supported runtime has, or may have, and the library types of ES2023 lack. */
export interface RuntimeAtomics extends Atomics {
  waitAsync(
    array: Int32Array,
    index: number,
    value: number,
    timeout?: number,
  ):
    | { readonly async: false; readonly value: 'not-equal' | 'timed-out' }
    | { readonly async: true; readonly value: Promise<'ok' | 'timed-out'> };

  /** A hint to the processor in a loop that spins. Not in Node 20 and 22. */
  pause?(iterations?: number): void;
}

const builtIn: RuntimeAtomics = globalThis.Atomics as RuntimeAtomics;

export { builtIn as Atomics };
