/**
 * The one seam through which heddle reaches atomic operations, imported as `#atomics`. It re-exports the built-in
 * object and wraps nothing: a JavaScript call inside a critical section could overflow the stack there.
 */
const builtIn: Atomics = globalThis.Atomics;

export { builtIn as Atomics };
