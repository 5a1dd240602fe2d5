import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Queue, ThreadPoolExecutor } from '../../../src/index.ts';
import { program } from '../../docs/program.ts';
import { failure } from '../../fixtures/awaiting.ts';
import Gone, { isUnexported, Missing, NotFound } from './errors/classes.ts';
import { failUnmarked, jobs, Kept } from './errors/jobs.ts';
import { eachPlace } from './stand.ts';

class Here extends Error {
  readonly place: string = 'here';
}

/** Of the name that one of heddle has. */
class TimeoutError extends Error {}

describe('an error keeps its class, without registerClass', () => {
  eachPlace((the) => {
    test('which a module exports that the job uses, and so do we', async () => {
      const error = await failure(the().submit(jobs.fail, 'NotFound', 'no such page'));
      expect(error).toBeInstanceOf(NotFound);
      expect(error).toMatchObject({ constructor: NotFound, message: 'no such page', status: 404 });
    });

    test('which extends another class of the user', async () => {
      const error = await failure(the().submit(jobs.fail, 'Missing', ''));
      expect(error).toMatchObject({ constructor: Missing });
      expect(error).toBeInstanceOf(NotFound);
    });

    test('which is the default export of its module', async () => {
      expect(await failure(the().submit(jobs.fail, 'Gone', ''))).toBeInstanceOf(Gone);
    });

    test('inside another error', async () => {
      const { cause } = (await failure(the().submit(jobs.failInside, 'deep'))) as Error;
      expect((cause as AggregateError).errors[0]).toBeInstanceOf(Gone);
    });

    test('which the module of an exported function has, that is marked nowhere', async () => {
      expect(await failure(the().submit(failUnmarked))).toBeInstanceOf(Kept);
    });

    test('which no module exports', async () => {
      expect(isUnexported(await failure(the().submit(jobs.failUnexported)))).toBe(true);
    });

    test('as an argument', async () => {
      expect(await the().submit(jobs.isGone, new Gone('far away'))).toBe(true);
    });

    test('and comes back as what it was, wherever its class is written', async () => {
      class Local extends RangeError {
        readonly level: number = 3;
      }
      const nameless = (() => class extends Error {})();
      for (const sent of [
        new Local('inside a function'),
        new Here('in a test'),
        new nameless('of no name'),
      ]) {
        const back = await the().submit((error: Error) => error, sent);
        expect(back.constructor).toBe(sent.constructor);
        expect(back).toEqual(sent);
        expect(back).not.toBe(sent);
      }
    });

    test('one of two classes of one name, too', async () => {
      const [One, Other] = [1, 2].map((level) => {
        class Same extends Error {
          readonly level: number = level;
        }
        return Same;
      }) as unknown as [typeof Error, typeof Error];
      const sent = [new One('one'), new Other('other'), new One('one again')];
      const back = await the().submit((errors: Error[]) => errors.reverse(), sent);
      expect(back.map((error) => error.constructor)).toEqual([One, Other, One]);
    });

    test('also by way of a thread of that thread, and by way of a queue', async () => {
      const queue = new Queue<Error>();
      await the().submit(
        async (error, items) => {
          const { ThreadPoolExecutor: Pool } = await import('../../../src/index.ts');
          await using pool = new Pool({ threads: 1 });
          await items.put(await pool.submit((inner: Error) => inner, error));
        },
        new Here('far away'),
        queue,
      );
      expect(await queue.get()).toBeInstanceOf(Here);
    });

    test('and is no class of heddle that has the same name', async () => {
      const seen = await the().submit(jobs.isTimeout, new TimeoutError('not yours'));
      expect(seen).toBe(false);
    });
  });

  eachPlace((the) => {
    test('as an item of a queue', async () => {
      const queue = new Queue<Error>();
      await the().submit(async (items) => {
        const { default: Far } = await import('./errors/classes.ts');
        await items.put(new Far('item'));
      }, queue);
      expect(await queue.get()).toBeInstanceOf(Gone);
    });
  });

  test('and has one of that name, with its fields, where that class is nowhere to be found', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const error = (await failure(pool.submit(jobs.failSecretly))) as Error;
    expect(error).toBeInstanceOf(Error);
    expect(error.constructor.name).toBe('Secret');
    expect(error).toMatchObject({ message: 'nowhere', level: 3 });
  });

  test('and is told to a program that waits for it at the top level of the module in which it is written; functions too', async () => {
    expect(await run('top-level.ts')).toEqual(['true true Inner', 'true']);
  });

  test('and the main thread loads no module for it', async () => {
    expect(await run('unloaded.ts')).toEqual(['loaded', 'Loud loud']);
  });
});

async function run(file: string): Promise<readonly string[]> {
  const { code, out, err } = await program([join(import.meta.dirname, 'errors', file)], { timeout: 30_000 });
  expect([code, err]).toEqual([0, '']);
  return out.trimEnd().split('\n');
}
