import { currentScope } from './scope.ts';
import type { Task } from './task.ts';

/**
 * The task that the current code is part of, followed through every `await` and callback; `undefined` outside any
 * task, in `outside()`, and in code that a settled task left behind.
 *
 * @example
 * ```ts
 * import { currentTask, TaskGroup } from 'heddle';
 *
 * await TaskGroup.run((group) => {
 *   group.spawn(() => console.log(currentTask()?.name), { name: 'reader' }); // reader
 * });
 * ```
 */
export function currentTask(): Task<unknown> | undefined {
  return currentScope()?.task;
}
