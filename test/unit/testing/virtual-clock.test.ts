import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  InvalidStateError,
  Lock,
  Queue,
  sleep,
  TaskGroup,
  ThreadPoolExecutor,
  TimeoutError,
  until,
  withTimeout,
} from '../../../src/index.ts';
import { VirtualClock } from '../../../src/testing/index.ts';
import { failure, turn } from '../../fixtures/awaiting.ts';
import { jobs } from '../../fixtures/jobs.ts';

const HOUR = 3_600_000;
let clock: VirtualClock;
afterEach(() => clock?.[Symbol.dispose]());

describe('VirtualClock', () => {
  beforeEach(() => {
    clock = VirtualClock.install();
  });

  test('jumps to the next timer when the loop has nothing to do: an hour takes no time', async () => {
    const began = performance.now();
    await sleep(HOUR);
    expect(clock.now).toBe(HOUR);
    expect(performance.now() - began).toBeLessThan(HOUR / 100);
  });

  test('fires timers in the order of their times, and of one time in the order of their making', async () => {
    const order: string[] = [];
    await TaskGroup.run((group) => {
      for (const [name, ms] of [
        ['c', 30],
        ['a', 10],
        ['b', 20],
        ['b2', 20],
      ] as const)
        group.spawn(async () => {
          await sleep(ms);
          order.push(`${name} at ${clock.now}`);
        });
    });
    expect(order).toEqual(['a at 10', 'b at 20', 'b2 at 20', 'c at 30']);
  });

  test('what a timer brings about is done before the next fires', async () => {
    const seen: number[] = [];
    await TaskGroup.run((group) => {
      group.spawn(async () => {
        await sleep(10);
        for (let n = 0; n < 50; n++) await null;
        await turn();
        seen.push(clock.now);
      });
      group.spawn(() => sleep(11));
    });
    expect(seen).toEqual([10]);
  });

  test('moves time-outs: withTimeout(), a group, until(), a lock, a queue', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const never = new Promise<never>(() => {});
    for (const wait of [
      () => until(never, { timeout: HOUR }),
      () => lock.acquire({ timeout: HOUR }),
      () => new Queue().get({ timeout: HOUR }),
    ]) {
      const before = clock.now;
      expect(await failure(wait())).toBeInstanceOf(TimeoutError);
      expect(clock.now).toBe(before + HOUR);
    }
    expect(await failure(withTimeout(HOUR, () => sleep(2 * HOUR)))).toBeInstanceOf(TimeoutError);
    guard.release();
  });

  test('a wait that comes to its end stops its timer', async () => {
    const queue = new Queue<number>();
    const got = queue.get({ timeout: HOUR });
    await queue.put(1);
    expect(await got).toBe(1);
    expect([clock.now, clock.timers]).toEqual([0, 0]);
  });

  test('stands still while a job runs in a thread, and goes on when its thread is blocked at a shared object', async () => {
    const pool = new ThreadPoolExecutor({ threads: 1 });
    expect(await withTimeout(1, () => pool.submit(jobs.add, 1, 2))).toBe(3);
    expect(clock.now).toBe(0);
    const queue = new Queue<string>();
    const blocked = pool.submit((given: Queue<string>) => given.getSync(), queue);
    await sleep(HOUR);
    await queue.put('late');
    expect(await blocked).toBe('late');
    expect(clock.now).toBe(HOUR);
    await pool.shutdown();
  });

  test('the time-out of a job goes by it', async () => {
    const pool = new ThreadPoolExecutor({ threads: 1 });
    const queue = new Queue<string>();
    const job = pool.with({ timeout: HOUR }).submit((given: Queue<string>) => given.getSync(), queue);
    expect(await failure(job)).toBeInstanceOf(TimeoutError);
    expect(clock.now).toBe(HOUR);
    await pool.shutdown({ cancelRunning: true });
  });

  test('two in one thread are an InvalidStateError', () => {
    expect(() => VirtualClock.install()).toThrow(InvalidStateError);
  });

  test('taken out, time is that of the runtime again, and waits that are left end by it', async () => {
    const left = sleep(5);
    clock[Symbol.dispose]();
    clock[Symbol.dispose]();
    await left;
    await sleep(1);
    VirtualClock.install()[Symbol.dispose]();
  });
});

describe('VirtualClock without autoJump', () => {
  beforeEach(() => {
    clock = VirtualClock.install({ autoJump: false });
  });

  test('advance() fires what is due on the way, and nothing later', async () => {
    const order: number[] = [];
    for (const ms of [10, 20, 30]) void sleep(ms).then(() => order.push(clock.now));
    await clock.advance(20);
    expect([order, clock.now, clock.timers]).toEqual([[10, 20], 20, 1]);
    await clock.advance(5);
    expect([order, clock.now]).toEqual([[10, 20], 25]);
    await clock.advance(5);
    expect(order).toEqual([10, 20, 30]);
  });

  test('advance() fires what is set on the way as well', async () => {
    let rounds = 0;
    void (async () => {
      for (; rounds < 10; rounds++) await sleep(10);
    })();
    await clock.advance(35);
    expect(rounds).toBe(3);
    await clock.advance(1000);
    expect(rounds).toBe(10);
  });

  test('jump() goes to the next timer, and says whether there was one', async () => {
    const slept = sleep(HOUR);
    expect(await clock.jump()).toBe(true);
    await slept;
    expect([clock.now, await clock.jump()]).toEqual([HOUR, false]);
  });

  test('nothing moves by itself', async () => {
    let over = false;
    void sleep(1).then(() => {
      over = true;
    });
    for (let n = 0; n < 20; n++) await turn();
    expect([over, clock.now]).toEqual([false, 0]);
    await clock.advance(1);
    expect(over).toBe(true);
  });

  test('refuses a time that is none', async () => {
    expect(await failure(clock.advance(-1))).toBeInstanceOf(RangeError);
    expect(await failure(clock.advance(Number.NaN))).toBeInstanceOf(RangeError);
  });
});

test('refuses options that are none', () => {
  expect(() => VirtualClock.install({ autoJump: 1 as never })).toThrow(TypeError);
  expect(() => VirtualClock.install(5 as never)).toThrow(TypeError);
});
