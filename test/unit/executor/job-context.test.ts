import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capture, Event, InlineExecutor, portable, ThreadPoolExecutor } from '../../../src/index.ts';
import { contextJobs, trace } from '../../contract/executors/context-jobs.ts';
import { failure } from '../../fixtures/awaiting.ts';

let pool: ThreadPoolExecutor;

beforeAll(async () => {
  pool = new ThreadPoolExecutor({ threads: 1 });
  await pool.submit(contextJobs.readBoth);
});

afterAll(() => pool.shutdown());

describe('SubmitOptions.context', () => {
  test('a storage without a name is refused, and the way out is told', async () => {
    const local = new AsyncLocalStorage<number>();
    const error = await failure(pool.with({ context: [trace, local] }).submit(contextJobs.readBoth));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain('Cannot send context[1] along');
    expect((error as Error).message).toContain('portable(import.meta, storage');
  });

  test('arguments are refused by their place, values of storages as well', async () => {
    const traced = pool.with({ context: [trace] });
    await expect(traced.submit((x: unknown) => x, { a: new WeakMap() })).rejects.toThrow(
      /^args.*\.a: WeakMap/,
    );
    await trace.run(new WeakMap() as never, async () =>
      expect(await failure(traced.submit(contextJobs.readBoth))).toMatchObject({ name: 'SendError' }),
    );
  });

  test('inline functions, those with captured values, and those of import()', async () => {
    const traced = pool.with({ context: [trace] });
    expect(await traced.submit((n: number) => n + 1, 1)).toBe(2);
    const event = new Event();
    await traced.submit(capture({ event }, (values) => values.event.set()));
    expect(event.isSet).toBe(true);
    const there = traced.import<typeof import('../../contract/executors/context-jobs.ts')>(
      new URL('../../contract/executors/context-jobs.ts', import.meta.url),
    );
    await expect((there as unknown as Record<string, () => Promise<void>>)['none']!()).rejects.toThrow(
      'none',
    );
    const path = traced.import<typeof import('node:path')>('node:path');
    expect(await path.basename('/a/b')).toBe('b');
  });

  test('an inline function that uses its surroundings is refused as ever', async () => {
    const factor = 3;
    const traced = pool.with({ context: [trace] });
    expect(await failure(traced.submit((n: number) => n * factor, 1))).toMatchObject({
      name: 'CaptureError',
      variables: ['factor'],
    });
  });

  test('the job has the name of the function, or that given', async () => {
    const name = async (): Promise<string | undefined> =>
      (await import('../../../src/index.ts')).currentTask()?.name;
    const traced = pool.with({ context: [trace] });
    expect(await traced.submit(name)).toBe('name');
    expect(await traced.with({ name: 'given' }).submit(name)).toBe('given');
  });

  test('chunks of a map, each item', async () => {
    const seen: unknown[] = [];
    await trace.run({ id: 'm' }, async () => {
      const traced = pool.with({ context: [trace] });
      for await (const one of traced.map(contextJobs.read, [1, 2, 3], { chunkSize: 2 })) seen.push(one);
    });
    expect(seen).toEqual(Array(3).fill([{ id: 'm' }, { id: 'm' }]));
  });

  test('an InlineExecutor needs no names, a strict one does', async () => {
    const local = new AsyncLocalStorage<object>();
    const value = {};
    const read = (): unknown => local.getStore();
    await using inline = new InlineExecutor();
    expect(await local.run(value, () => inline.with({ context: [local] }).submit(read))).toBe(value);
    await using strict = new InlineExecutor({ strict: true });
    expect(await failure(strict.with({ context: [local] }).submit(contextJobs.readBoth))).toBeInstanceOf(
      TypeError,
    );
    const id = { id: 'copied' };
    const [copy] = await trace.run(id, () => strict.with({ context: [trace] }).submit(contextJobs.readBoth));
    expect(copy).toEqual(id);
    expect(copy).not.toBe(id);
  });
});

describe('portable() of a storage', () => {
  test('gives back the same storage', () => {
    const storage = new AsyncLocalStorage<number>();
    expect(portable(import.meta, storage, 'same')).toBe(storage);
    expect(portable(import.meta, storage, 'same')).toBe(storage);
  });

  test('refuses what is none, and a name that is none', () => {
    expect(() => portable(import.meta, {} as never, 'none')).toThrow(TypeError);
    expect(() => portable(import.meta, new AsyncLocalStorage(), 5 as never)).toThrow(TypeError);
    expect(() => portable(import.meta, new AsyncLocalStorage(), '')).toThrow(TypeError);
  });

  test('is not a record of functions that are called alike', async () => {
    const { run, get } = portable(import.meta, { run: () => 1, get: () => 2 });
    expect([run(), get()]).toEqual([1, 2]);
  });
});
