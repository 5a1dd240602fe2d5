/** How code finds the guard of a re-entrant lock below which it runs. */
import { currentScope, Scope } from '../scope/scope.ts';
import type { Level } from './levels.ts';

/** The code of one `run`. While it is open, its level is held. */
export class LevelScope extends Scope {
  readonly level: Level;

  constructor(level: Level) {
    super(currentScope());
    this.level = level;
  }
}

/** The innermost level of that lock whose code asks. None for code that a `run` has left behind. */
export function levelAround(object: number): Level | undefined {
  for (let scope = currentScope(); scope !== undefined; scope = scope.parent)
    if (scope instanceof LevelScope && scope.level.hold.word.object === object) return scope.level;
  return undefined;
}
