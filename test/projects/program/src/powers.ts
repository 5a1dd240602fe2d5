import { portable } from 'heddle';
import { square } from './jobs.ts';
import { times } from './repeat.ts';

/** A bundler may give this module's file its own copy of `square`. */
export const fourth = portable(import.meta, function fourth(n: number): string {
  return `${times(2, '^')}${square(square(n))}`;
});
