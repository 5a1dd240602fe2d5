/** `scheduling: 'stealing'`: what a job submits goes to its own thread first, and others take it when they have nothing. */
import { describe, expect, test } from 'vitest';
import { jobs } from './jobs.ts';
import { flag, occupy, pool } from './stand.ts';
import { MOST_QUEUED, orderIn, orderWords, RUN, stealing } from './stealing-jobs.ts';

describe("scheduling: 'stealing'", () => {
  test('a thread takes what its jobs have submitted, the newest first', async () => {
    const words = orderWords();
    const one = pool({ scheduling: 'stealing' });
    await one.submit(stealing.fork, one, words, [1, 2, 3]);
    expect(orderIn(words)).toEqual([3, 2, 1]);
  });

  test("scheduling: 'shared' takes it in order", async () => {
    const words = orderWords();
    const one = pool({ scheduling: 'shared' });
    await one.submit(stealing.fork, one, words, [1, 2, 3]);
    expect(orderIn(words)).toEqual([1, 2, 3]);
  });

  test('… and before what was submitted from outside before it', async () => {
    const words = orderWords();
    const one = pool({ scheduling: 'stealing' });
    const { release, done } = await occupy(one, 1);
    const forks = one.submit(stealing.fork, one, words, [1, 2]);
    const outside = one.submit(stealing.note, words, 3);
    release();
    await Promise.all([forks, outside, done]);
    expect(orderIn(words)).toEqual([2, 1, 3]);
  });

  test('what others submit is taken in the order of submitting', async () => {
    const words = orderWords();
    const one = pool({ scheduling: 'stealing' });
    const { release, done } = await occupy(one, 1);
    const all = [1, 2, 3].map((n) => one.submit(stealing.note, words, n));
    release();
    await Promise.all([...all, done]);
    expect(orderIn(words)).toEqual([1, 2, 3]);
  });

  test('priority goes before', async () => {
    const words = orderWords();
    const one = pool({ scheduling: 'stealing' });
    await one.submit(stealing.fork, one, words, [1, 2, 3, 4], [0, 1, -1, 0]);
    expect(orderIn(words)).toEqual([3, 4, 1, 2]);
  });

  test('a thread that has nothing steals, the oldest first', async () => {
    const words = orderWords();
    const one = pool({ threads: 2, scheduling: 'stealing' });
    expect(await one.submit(stealing.forkAndBlock, one, words, [1, 2, 3, 4])).toBe(true);
    expect(orderIn(words)).toEqual([1, 2, 3, 4]);
  });

  test('a thread whose jobs submit for ever serves others too', async () => {
    const words = flag();
    const one = pool({ scheduling: 'stealing' });
    await one.submit(stealing.goOn, one, words);
    for (let n = 0; n < 5; n++) expect(await one.submit(jobs.add, n, 1)).toBe(n + 1);
    Atomics.store(words, RUN, 1);
  });

  test('fork and join goes depth first: of a tree of 256 leaves a few jobs are queued at a time', async () => {
    const words = orderWords();
    const one = pool({ scheduling: 'stealing' });
    expect(await one.submit(stealing.tree, one, words, 8)).toBe(256);
    expect(words[MOST_QUEUED]).toBeLessThanOrEqual(16);
  });

  test('two threads steal from each other, and every job runs once', async () => {
    const words = orderWords();
    const one = pool({ threads: 2, scheduling: 'stealing' });
    const trees = Array.from({ length: 4 }, () => one.submit(stealing.tree, one, words, 7));
    expect(await Promise.all(trees)).toEqual(Array(4).fill(128));
    expect(one.statistics()).toMatchObject({ queued: 0, running: 0, completed: 4 * 255 });
  });
});
