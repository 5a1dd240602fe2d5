/** What Shared promises. */
import { describe, expect, test } from 'vitest';
import { Queue, SendError, Shared, ThreadPoolExecutor } from '../../../src/index.ts';
import { jobs } from './jobs.ts';
import { eachPlace } from './stand.ts';

describe('Shared', () => {
  eachPlace((the) => {
    test('a thread reads the value', async () => {
      const table = new Shared(new Map([['a', 1]]));
      expect(await the().submit(jobs.lookUp, table, 'a')).toBe(1);
      expect(await the().submit(jobs.lookUp, table, 'b')).toBeUndefined();
    });

    test('it is decoded once, however often it is passed', async () => {
      const table = new Shared({ rows: [1, 2, 3] });
      const known = new Queue<number>();
      for (let n = 0; n < 5; n++)
        expect(await the().submit(jobs.sameTable, [table, table], known)).toBe(true);
      const counts = new Map<number, number>();
      for (let n = 0; n < 5; n++) {
        const { value } = known.tryGet()!;
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      // At most once in each of two threads.
      expect(counts.get(0)).toBeLessThanOrEqual(2);
      expect(counts.get(1)).toBeGreaterThanOrEqual(3);
    });

    test('it is frozen there', async () => {
      expect(await the().submit(jobs.changeTable, new Shared({ list: [1, 2, 3] }))).toBe('TypeError');
    });

    test('one that a job makes is read here', async () => {
      const table = await the().submit(jobs.makeTable);
      expect(table).toBeInstanceOf(Shared);
      expect(table.get()).toEqual({ made: 'there' });
    });
  });

  test('get() gives a frozen copy, of the moment when it was made, and always the same', () => {
    const original = { list: [1], map: new Map([[1, new Set([2])]]) };
    const table = new Shared(original);
    original.list.push(2);
    const value = table.get();
    expect(value).toEqual({ list: [1], map: new Map([[1, new Set([2])]]) });
    expect(table.get()).toBe(value);
    expect(Object.isFrozen(value.list)).toBe(true);
    expect(() => value.map.set(2, new Set())).toThrow(/it is frozen/);
    expect(() => value.map.get(1)!.add(3)).toThrow(TypeError);
  });

  test('nothing that it has can be changed, whatever its class', () => {
    const { map, set, since, base, headers } = new Shared({
      map: new Map([[1, 1]]),
      set: new Set([1]),
      since: new Date(0),
      base: new URL('https://example.org/a?b=1'),
      headers: new Headers({ a: '1' }),
    }).get();
    for (const change of [
      () => map.set(2, 2),
      () => set.clear(),
      () => since.setTime(5),
      () => since.setUTCHours(5),
      () => {
        base.pathname = '/b';
      },
      () => base.searchParams.append('c', '2'),
      () => headers.set('a', '2'),
    ])
      expect(change).toThrow('Cannot change a value that threads share');
    expect([map.size, set.size, since.getTime(), base.href, headers.get('a')]).toEqual([
      1,
      1,
      0,
      'https://example.org/a?b=1',
      '1',
    ]);
  });

  test('signals in it live on, here and in threads', async () => {
    const controller = new AbortController();
    const settings = new Shared({ signal: controller.signal });
    expect(settings.get().signal.aborted).toBe(false);
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const seen = pool.submit(
      (shared) =>
        new Promise((resolve) => {
          const { signal } = shared.get();
          signal.addEventListener('abort', () => resolve(signal.reason));
          if (signal.aborted) resolve(signal.reason);
        }),
      settings,
    );
    controller.abort('enough');
    expect(await seen).toBe('enough');
    expect(settings.get().signal.aborted).toBe(true);
  });

  test('what cannot be sent is refused when it is made', () => {
    expect(() => new Shared({ inside: new WeakMap() })).toThrow(SendError);
  });

  test('one that comes back is the very object', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const table = new Shared([1]);
    expect(await pool.submit((one: Shared<number[]>) => [one], table)).toEqual([table]);
    expect((await pool.submit((one: Shared<number[]>) => [one], table))[0]).toBe(table);
  });

  test('given up here it stays where it was sent', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const table = new Shared({ n: 5 });
    const future = pool.submit(async (one: Shared<{ n: number }>) => {
      await new Promise((resolve) => setImmediate(resolve));
      return one.get().n;
    }, table);
    table[Symbol.dispose]();
    expect(await future).toBe(5);
  });
});
