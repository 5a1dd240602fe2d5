import { currentThread, isMainThread, portable } from 'heddle';
import { times } from './dep.ts';
import { evaluations } from './evaluations.ts';

export const square = portable(import.meta, function square(n: number): number {
  return times(n, n);
});

/** What a thread tells of itself once it has imported this module. */
export const { where, fail } = portable(import.meta, {
  where(): { readonly main: boolean; readonly id: number; readonly program: boolean } {
    return { main: isMainThread, id: currentThread().id, program: evaluations.program };
  },
  fail(): never {
    throw new RangeError('failed on purpose');
  },
});
