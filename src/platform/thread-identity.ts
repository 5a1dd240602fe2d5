/** Which thread this is. */
import { ownSeed } from './worker.ts';

const seed = ownSeed<{ readonly id: number; readonly name: string }>();

/**
 * False only in threads that heddle started. Guard with it what only the program itself should do when a thread
 * imports the module:
 *
 * @example
 * ```ts
 * import { isMainThread, portable, run, toThread } from 'heddle';
 *
 * const square = portable(import.meta, function square(n: number) {
 *   return n * n;
 * });
 *
 * if (isMainThread) await run(async () => console.log(await toThread(square, 7)));
 * ```
 */
export const isMainThread: boolean = seed === undefined;

const current: { readonly id: number; readonly name: string } = Object.freeze({
  id: seed?.settings.id ?? 0,
  name: seed?.settings.name ?? 'main',
});

/** The thread that runs this code: 0 and `main` outside the threads that heddle started. */
export function currentThread(): { readonly id: number; readonly name: string } {
  return current;
}
