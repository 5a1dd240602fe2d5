/** The error of a job shows where it came about, and who had asked for it. */
import { describe, expect, test } from 'vitest';
import type { Executor } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';
import { nested } from './nested-jobs.ts';
import { eachExecutor, LOOP, POOLS } from './stand.ts';

const SEPARATOR = '--- in another thread; submitted by ---';

function theAsker(executor: Executor): PromiseLike<unknown> {
  return executor.submit(jobs.fail);
}

function stackOf(error: unknown): string[] {
  return (error as Error).stack!.split('\n');
}

/** It is looked at who submits for so many jobs only as have come into the bucket since the last. */
async function renewed(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 30));
}

describe('The stack of an error of a job', () => {
  eachExecutor([...POOLS, LOOP], (_, the) => {
    test('shows the place in the thread, and then the place that submitted it', async () => {
      await renewed();
      const stack = stackOf(await failure(theAsker(the())));
      expect(stack[0]).toBe('PartError: no such part');
      expect(stack[1]).toMatch(/^ {4}at .*fail .*jobs\.ts/);
      const middle = stack.findIndex((line) => line.includes(SEPARATOR));
      expect(stack[middle + 1]).toMatch(/theAsker .*stacks\.test\.ts/);
      expect(stack.slice(1, middle).join('\n')).not.toMatch(/src\/(thread|scope)\//);
    });

    test('through two threads shows both places that submitted', async () => {
      await renewed();
      const stack = stackOf(await failure(the().submit(nested.parentOfFailure, the(), 'await')));
      expect(stack.filter((line) => line.includes(SEPARATOR))).toHaveLength(2);
      expect(stack.join('\n')).toMatch(/nested-jobs\.ts[\s\S]*stacks\.test\.ts/);
    });

    test('shows where an inline function is written, of an item of map as well, and of errors inside', async () => {
      const fails = (n: number): never => {
        throw new AggregateError([new RangeError(`in ${n}`)], 'all', { cause: new Error('why') });
      };
      const list = the().map(fails, [1], { onError: 'settle' });
      const outcomes: PromiseRejectedResult[] = [];
      for await (const outcome of list) outcomes.push(outcome as PromiseRejectedResult);
      const blocking = [...the().mapSync(fails, [1], { onError: 'settle' })] as PromiseRejectedResult[];
      for (const { reason } of [...outcomes, ...blocking]) {
        const { errors, cause } = reason as AggregateError;
        for (const error of [reason, cause, ...errors])
          expect(stackOf(error)[1]).toContain('stacks.test.ts:');
      }
    });

    test('of a thousand jobs at once shows the place in the thread all the same', async () => {
      const errors = await Promise.all(Array.from({ length: 1000 }, () => failure(theAsker(the()))));
      for (const error of errors) expect(stackOf(error)[1]).toMatch(/fail .*jobs\.ts/);
    });
  });
});
