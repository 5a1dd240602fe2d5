/** Throws what is written elsewhere. */
import Gone, { Missing, NotFound } from './classes.ts';

export function throwing(kind: 'NotFound' | 'Missing' | 'Gone', message: string): never {
  throw new { NotFound, Missing, Gone }[kind](message);
}
