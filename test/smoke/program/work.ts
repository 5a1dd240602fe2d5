/** TypeScript in a thread, with an import of another TypeScript module. */
import { greeting, type Named } from './dep.ts';

export function greet<T extends Named>(whom: T): string {
  return `${greeting} ${whom.name}` satisfies string;
}

export default (n: number): number => n * n;
