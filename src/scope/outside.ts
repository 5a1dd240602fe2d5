import { ambient } from './scope.ts';

/**
 * Calls `fn` outside any task: what it starts is neither cancelled with the current task nor awaited by it. For what
 * is made on demand but serves everybody: a server, a pool of connections, a cache that refreshes itself.
 *
 * @example
 * ```ts
 * import { currentTask, outside, run } from 'heddle';
 *
 * await run(() => {
 *   console.log(currentTask()?.name); // main
 *   console.log(outside(() => currentTask())); // undefined
 * });
 * ```
 */
export function outside<T>(fn: () => T): T {
  return ambient.run(undefined, fn);
}
