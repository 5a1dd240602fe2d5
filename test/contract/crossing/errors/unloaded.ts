/** A program that is told of an error of a module which only the thread has loaded. */
import { isMainThread, toThread } from '../../../../src/index.ts';

if (isMainThread) {
  const reason = await toThread(async () => {
    const { Loud } = await import('./loud.ts');
    throw new Loud('loud');
  }).catch((error: unknown) => error as Error);
  console.log(reason.constructor.name, reason.message);
}
