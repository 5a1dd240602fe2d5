/** A program that awaits, at its top level, jobs which fail with its own errors, and which give its own functions. */
import { isMainThread, portable, toThread } from '../../../../src/index.ts';

export class Mine extends Error {}
class Inner extends Error {}

const SEVEN = 7;
export function exported(): number {
  return SEVEN;
}

const jobs = portable(import.meta, {
  fail: (): never => {
    throw new Mine('mine');
  },
  failInside: (): never => {
    throw new Inner('inner');
  },
  give: (): (() => number) => exported,
  nameOf: (error: Error): string => error.constructor.name,
});

if (isMainThread) {
  const reasons = await Promise.allSettled([toThread(jobs.fail), toThread(jobs.failInside)]);
  const [mine, inner] = reasons.map((one) => one.status === 'rejected' && (one.reason as unknown));
  console.log(mine instanceof Mine, inner instanceof Inner, await toThread(jobs.nameOf, new Inner()));
  console.log((await toThread(jobs.give)) === exported);
}
