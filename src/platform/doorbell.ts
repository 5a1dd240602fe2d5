/** Waking an event loop by a word of shared memory. */
import { Atomics } from '#atomics';
import { outsideContext } from './no-context.ts';

/**
 * Calls `rung` once: when the word is notified, or at the next microtask if it is not `expected` any more. What `rung`
 * throws becomes an unhandled rejection.
 *
 * - **Context.** `rung` runs outside any task and any AsyncLocalStorage, whoever calls this.
 * - **Keep-alive.** It keeps nothing alive: see `holdLoop`. A loop that ends never hears it.
 * - **Spurious and late.** Anybody may notify the word, also without having changed it, and the loop comes to it only
 *   when its macrotasks let it: after 100,000 ready microtasks 0.1 to 0.8 s later. So `rung` looks at the truth, and so
 *   does who has it at hand anyway. None was lost in a million.
 * - **No way back.** It cannot be taken off: change the word and notify it.
 * - **Cost.** 2 to 4 µs, most of it the runtime's.
 */
export function listenAt(words: Int32Array, index: number, expected: number, rung: () => void): void {
  outsideContext(listen, words, index, expected, rung);
}

const AT_ONCE = Promise.resolve();

function listen(words: Int32Array, index: number, expected: number, rung: () => void): void {
  const wait = Atomics.waitAsync(words, index, expected);
  void (wait.async ? wait.value : AT_ONCE).then(() => rung());
}
