/** Two functions of one text, each with the module that is beside it. */
import { isMainThread, toThread } from '../../../../src/index.ts';
import { load as inner } from './inner/load.ts';

const load = async (): Promise<string> => (await import('./where.ts')).where;

if (isMainThread) {
  console.log(await toThread(load), await toThread(inner), await toThread(load));
  const seen: string[] = [];
  for (const fn of [load, inner, load, inner]) seen.push(await toThread(fn));
  console.log(...seen);
}
