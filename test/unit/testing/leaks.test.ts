import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Event, HeddleError, Lock, Queue, sleep, TaskGroup, ThreadPoolExecutor } from '../../../src/index.ts';
import { noLeaks } from '../../../src/testing/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { jobs } from '../../fixtures/jobs.ts';

/** What it says is left behind; ends what was left. */
async function leftBehind(leave: () => unknown, end: () => unknown): Promise<string> {
  const error = await failure(noLeaks(leave, { within: 50 }));
  await end();
  expect(error).toBeInstanceOf(HeddleError);
  return (error as Error).message;
}

describe('noLeaks()', () => {
  test('gives what the function gives when all is gone', async () => {
    const result = await noLeaks(async () => {
      await using pool = new ThreadPoolExecutor({ threads: 2 });
      using lock = new Lock();
      using queue = new Queue<Lock>();
      await queue.put(lock);
      (await queue.get())[Symbol.dispose]();
      await TaskGroup.run((group) => group.spawn(() => sleep(1)));
      return await pool.submit(jobs.add, 1, 2);
    });
    expect(result).toBe(3);
  });

  test('waits for what was told to end', async () => {
    await noLeaks(() => {
      const pool = new ThreadPoolExecutor({ threads: 1 });
      void pool.submit(jobs.add, 1, 2);
      void pool.shutdown();
    });
  });

  test('names a thread that nobody ended', async () => {
    const pool = new ThreadPoolExecutor({ threads: 1 });
    const message = await leftBehind(
      () => pool.submit(jobs.add, 1, 2),
      () => pool.shutdown(),
    );
    expect(message).toContain('1 × thread');
  });

  test('names a task that goes on, and the timer that it waits for', async () => {
    let tell!: (group: TaskGroup) => void;
    const group = new Promise<TaskGroup>((resolve) => {
      tell = resolve;
    });
    const message = await leftBehind(
      async () => {
        void TaskGroup.run((made) => {
          made.spawn(() => sleep(Infinity));
          tell(made);
        });
        await group;
      },
      async () => (await group).cancel(),
    );
    expect(message).toContain('1 × task');
    expect(message).toContain('1 × timer');
  });

  test('names an object that somebody holds still, and who waits there', async () => {
    const event = new Event();
    let waits: Promise<void> | undefined;
    const message = await leftBehind(
      () => {
        waits = event.wait();
      },
      () => event.set(),
    );
    await waits;
    expect(message).toContain('1 × Event');
    expect(message).toContain('1 × wait');
  });

  test('names a server that was not closed', async () => {
    const server = createServer();
    const message = await leftBehind(
      () => new Promise<void>((resolve) => server.listen(0, resolve)),
      () => new Promise((resolve) => server.close(resolve)),
    );
    expect(message).toContain('TCP');
  });

  test('passes an error of the function on', async () => {
    const error = new RangeError('on purpose');
    expect(await failure(noLeaks(() => Promise.reject(error)))).toBe(error);
    expect(await failure(noLeaks(5 as never))).toBeInstanceOf(TypeError);
  });
});
