/** Jobs that fail with errors of modules which neither they nor heddle name. */
import { portable, TimeoutError } from '../../../../src/index.ts';
import Gone, { secret, unexported } from './classes.ts';
import { throwing } from './store.ts';

interface Jobs extends Record<string, (...args: never[]) => unknown> {
  readonly fail: (kind: 'NotFound' | 'Missing' | 'Gone', message: string) => never;
  readonly failInside: (message: string) => never;
  readonly failUnexported: () => never;
  readonly failSecretly: () => never;
  readonly isGone: (error: Error) => boolean;
  readonly isTimeout: (error: Error) => boolean;
}

export const jobs: Jobs = portable<Jobs>(import.meta, {
  fail(kind: 'NotFound' | 'Missing' | 'Gone', message: string): never {
    return throwing(kind, message);
  },

  failInside(message: string): never {
    throw new Error('outer', { cause: new AggregateError([new Gone(message)]) });
  },

  failUnexported(): never {
    throw unexported();
  },

  failSecretly(): never {
    throw secret();
  },

  isGone(error: Error): boolean {
    return error instanceof Gone;
  },

  isTimeout(error: Error): boolean {
    return error instanceof TimeoutError;
  },
});

class Kept extends Error {}

/** Found as an export, without a mark. */
export async function failUnmarked(): Promise<never> {
  await undefined;
  throw new Kept('kept');
}

export { Kept };
