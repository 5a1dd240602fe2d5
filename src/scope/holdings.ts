/** What a task holds and must give back before it ends: guards. */
import type { Scope } from './scope.ts';
import { scopeOf } from './task.ts';

/** Something held. Its owner's word is called if the task ends first. */
export interface Holding {
  /** The task called `task` has ended without giving it back. */
  abandoned(task: string): void;
}

/**
 * Makes the task around `within` answer for it; returns the scope to give to `letGo`, or `undefined` outside any task.
 */
export function holdInTask(holding: Holding, within: Scope | undefined): Scope | undefined {
  const task = within?.task;
  if (task === undefined) return undefined;
  const scope = scopeOf(task);
  scope.holdings ??= new Set();
  scope.holdings.add(holding);
  return scope;
}

/** It was given back, or outlives the task on purpose. */
export function letGo(scope: Scope, holding: Holding): void {
  scope.holdings?.delete(holding);
}
