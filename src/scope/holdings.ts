/** What a task holds and must give back before it ends: guards. */
import type { Scope } from './scope.ts';
import { scopeOf } from './task.ts';

/** Something held. Its owner's word is called if the task ends first. */
export interface Holding {
  /** The task called `task` has ended without giving it back. */
  abandoned(task: string): void;
}

/** The scope of the task around `within`, which answers for what the task holds; `undefined` outside any task. */
export function holderIn(within: Scope | undefined): Scope | undefined {
  const task = within?.task;
  if (task === undefined) return undefined;
  const scope = scopeOf(task);
  scope.holdings ??= new Set();
  return scope;
}

/** Makes a task answer for it, by the scope that `holderIn` gave. */
export function holdInTask(holding: Holding, holder: Scope): void {
  holder.holdings!.add(holding);
}

/** It was given back, or outlives the task on purpose. */
export function letGo(scope: Scope, holding: Holding): void {
  scope.holdings?.delete(holding);
}
