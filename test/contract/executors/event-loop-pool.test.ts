/** What EventLoopPool promises: N loops in N threads, and where a job is placed. */
import { afterEach, describe, expect, test } from 'vitest';
import { EventLoopPool, EventLoopThread, ShutDownError } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { BEGUN, jobs } from './jobs.ts';
import { flag, goOn, raised } from './stand.ts';

const pools: EventLoopPool[] = [];

async function open(options: Parameters<typeof EventLoopPool.start>[0]): Promise<EventLoopPool> {
  const made = await EventLoopPool.start(options);
  pools.push(made);
  return made;
}

afterEach(() => Promise.all(pools.splice(0).map((one) => one.shutdown({ cancelRunning: true }))));

describe('EventLoopPool', () => {
  test('has so many loops, each in a thread of its own', async () => {
    const pool = await open({ loops: 3 });
    expect(pool.loops).toHaveLength(3);
    for (const loop of pool.loops) expect(loop).toBeInstanceOf(EventLoopThread);
    const words = flag();
    const met = pool.loops.map((loop) => loop.submit(jobs.meet, words, 3));
    expect((await Promise.all(met)).toSorted()).toEqual([1, 2, 3]);
    const ids = await Promise.all(pool.loops.map(async (loop) => (await loop.submit(jobs.where)).id));
    expect(ids).toEqual(pool.loops.map(({ id }) => id));
  });

  test('least-loaded: a job goes to the loop with the fewest', async () => {
    const pool = await open({ loops: 2, placement: 'least-loaded' });
    const words = Array.from({ length: 6 }, flag);
    const held = words.slice(0, 4).map((one) => pool.submit(jobs.hold, one));
    await Promise.all(words.slice(0, 4).map((one) => raised(one, BEGUN)));
    // Two on each. Now two on one, none on the other.
    const [a] = pool.loops;
    const busy = [pool.loops[0]!.submit(jobs.hold, words[4]!), pool.loops[0]!.submit(jobs.hold, words[5]!)];
    await Promise.all(words.slice(4).map((one) => raised(one, BEGUN)));
    const { id } = await pool.submit(jobs.where);
    expect(id).not.toBe(a!.id);
    words.forEach(goOn);
    await Promise.all([...held, ...busy]);
  });

  test('least-loaded is the default: jobs that stay spread evenly', async () => {
    const pool = await open({ loops: 2 });
    const words = Array.from({ length: 4 }, flag);
    const where = words.map((one) =>
      pool.submit(async (w: Int32Array) => {
        const { currentThread, sleep } = await import('../../../src/index.ts');
        Atomics.store(w, 0, 1);
        while (Atomics.load(w, 1) === 0) await sleep(1);
        return currentThread().id;
      }, one),
    );
    await Promise.all(words.map((one) => raised(one, BEGUN)));
    words.forEach(goOn);
    const ids = await Promise.all(where);
    for (const loop of pool.loops) expect(ids.filter((id) => id === loop.id)).toHaveLength(2);
  });

  test('round-robin: one after the other', async () => {
    const pool = await open({ loops: 3, placement: 'round-robin' });
    const ids: number[] = [];
    for (let n = 0; n < 6; n++) ids.push((await pool.submit(jobs.where)).id);
    expect(new Set(ids.slice(0, 3)).size).toBe(3);
    expect(ids.slice(3)).toEqual(ids.slice(0, 3));
  });

  test('a function places by the statistics it is given, which are one for each loop', async () => {
    const lengths = new Set<number>();
    const pool = await open({
      loops: 2,
      placement: (stats) => {
        lengths.add((stats as unknown as readonly unknown[]).length);
        return 1;
      },
    });
    for (let n = 0; n < 3; n++) expect((await pool.submit(jobs.where)).id).toBe(pool.loops[1]!.id);
    expect(lengths).toEqual(new Set([2]));
  });

  test('one that places outside of the loops, or throws, is the error of its job', async () => {
    for (const placement of [() => 2, () => -1, () => Number.NaN]) {
      const pool = await open({ loops: 2, placement });
      expect(await failure(pool.submit(jobs.nothing))).toBeInstanceOf(RangeError);
    }
    const pool = await open({
      loops: 1,
      placement: () => {
        throw new TypeError('no idea');
      },
    });
    await expect(pool.submit(jobs.nothing)).rejects.toThrow('no idea');
  });

  test('a loop that dies costs its own jobs, the others go on', async () => {
    const pool = await open({ loops: 2 });
    const words = [flag(), flag()];
    const held = pool.loops.map((loop, n) => loop.submit(jobs.hold, words[n]!));
    await Promise.all(words.map((one) => raised(one, BEGUN)));
    const [first, second] = held;
    const dying = pool.loops[0]!.submit(jobs.exit, 3);
    expect(await failure(dying)).toMatchObject({ name: 'ThreadDiedError', exitCode: 3 });
    expect(await failure(first!)).toMatchObject({ name: 'ThreadDiedError' });
    goOn(words[1]!);
    expect(await second).toBe('done');
    // Placed on a loop that lives.
    expect(await pool.submit(jobs.add, 1, 1)).toBe(2);
  });

  test('shutdown() ends every loop', async () => {
    const pool = await open({ loops: 2 });
    const { loops } = pool;
    await pool.shutdown();
    expect(loops.map(({ closed }) => closed)).toEqual([true, true]);
    await expect(pool.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
    await expect(loops[0]!.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
  });

  test('await using', async () => {
    let result: PromiseLike<number>;
    {
      await using pool = await EventLoopPool.start({ loops: 1 });
      result = pool.submit(jobs.addLater, 1, 1);
    }
    expect(await result).toBe(2);
  });

  test('map() over its loops', async () => {
    const pool = await open({ loops: 2 });
    const results: number[] = [];
    for await (const one of pool.map(jobs.add, [1, 2, 3], { args: [10] })) results.push(one);
    expect(results).toEqual([11, 12, 13]);
  });

  test.each([
    [{ loops: 0 }, RangeError],
    [{ loops: 1.5 }, RangeError],
    [{ loops: 'x' }, TypeError],
    [{ loops: 1, placement: 'random' }, TypeError],
    [{ loops: 1, placement: 5 }, TypeError],
    [5, TypeError],
  ])('start(%j) rejects', async (options, type) => {
    await expect(EventLoopPool.start(options as never)).rejects.toBeInstanceOf(type);
  });
});
