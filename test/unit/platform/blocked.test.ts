import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runProgram } from './program.ts';

type Blocked = typeof import('../../../src/platform/blocked.ts');

let blocked: Blocked;
let clock: number;

/** A thread that nobody has told to look at anything, and a clock that only tests move. */
beforeEach(async () => {
  vi.resetModules();
  clock = 1_000;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  blocked = await import('../../../src/platform/blocked.ts');
});

afterEach(() => {
  blocked.endBlocked();
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  vi.restoreAllMocks();
});

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const listener = (): void => {};

/** One slice of a wait that lasts so long. */
function slice(ms: number, left = Infinity): number {
  const allowed = blocked.blockedSlice(left);
  clock += ms;
  blocked.lookWhileBlocked();
  return allowed;
}

test('blockedSlice() never gives more than is left', () => {
  expect(slice(7, 7)).toBe(7);
  expect(slice(0.5, 0.5)).toBe(0.5);
});

test('the first slice of the main thread ends in time for the signals; after them it sleeps for as long as it likes', () => {
  expect(slice(50)).toBe(50);
  expect(slice(100_000)).toBe(Infinity);
});

test('a wait that ends within 50 ms takes no listener off, however often it woke', () => {
  process.on('SIGINT', listener);
  for (let woken = 0; woken < 49; woken++) slice(1);
  expect(process.listeners('SIGINT')).toEqual([listener]);
  blocked.endBlocked();
  slice(49);
  expect(process.listeners('SIGINT')).toEqual([listener]);
});

test('past 50 ms all listeners of SIGINT and SIGTERM are off, and those of other signals stay', () => {
  for (const signal of [...SIGNALS, 'SIGUSR2'] as const) process.on(signal, listener);
  slice(50);
  expect(SIGNALS.map((signal) => process.listenerCount(signal))).toEqual([0, 0]);
  expect(process.listenerCount('SIGUSR2')).toBe(1);
  process.off('SIGUSR2', listener);
});

test('endBlocked() puts the listeners on again: in order, once stays once, twice stays twice', () => {
  const once = vi.fn<() => void>();
  process.on('SIGINT', listener);
  process.once('SIGINT', once);
  process.on('SIGINT', listener);
  const before = process.rawListeners('SIGINT');
  slice(50);
  expect(process.listenerCount('SIGINT')).toBe(0);
  blocked.endBlocked();
  expect(process.rawListeners('SIGINT')).toEqual(before);
  process.emit('SIGINT');
  process.emit('SIGINT');
  expect(once).toHaveBeenCalledTimes(1);
});

test('endBlocked() puts listeners that came meanwhile behind those that were there', () => {
  const newer = (): void => {};
  process.on('SIGTERM', listener);
  slice(50);
  process.on('SIGTERM', newer);
  blocked.endBlocked();
  expect(process.listeners('SIGTERM')).toEqual([listener, newer]);
});

test('endBlocked() puts the listeners on again after a wait that looked many times', () => {
  blocked.whileBlocked(
    () => {},
    () => true,
  );
  process.on('SIGINT', listener);
  for (let looks = 0; looks < 3; looks++) slice(250);
  expect(process.listenerCount('SIGINT')).toBe(0);
  blocked.endBlocked();
  expect(process.listeners('SIGINT')).toEqual([listener]);
});

test('endBlocked() can be called twice, and without a wait', () => {
  process.on('SIGINT', listener);
  blocked.endBlocked();
  slice(50);
  blocked.endBlocked();
  blocked.endBlocked();
  expect(process.listeners('SIGINT')).toEqual([listener]);
});

test('a wait within a wait leaves the listeners as they were, and the outer one goes on', () => {
  process.on('SIGINT', listener);
  slice(50);
  slice(50);
  blocked.endBlocked();
  expect(process.listeners('SIGINT')).toEqual([listener]);
  slice(50);
  expect(process.listenerCount('SIGINT')).toBe(0);
  blocked.endBlocked();
  expect(process.listeners('SIGINT')).toEqual([listener]);
});

test('whileBlocked() is called every 250 ms of a blocking wait, and not more often', () => {
  const look = vi.fn<() => void>();
  blocked.whileBlocked(look, () => true);
  slice(49);
  expect(look).toHaveBeenCalledTimes(0);
  slice(1);
  expect(look).toHaveBeenCalledTimes(1);
  expect(slice(249)).toBe(250);
  expect(look).toHaveBeenCalledTimes(1);
  expect(slice(1)).toBe(1);
  expect(look).toHaveBeenCalledTimes(2);
});

test('whileBlocked() lets a thread sleep that needs nothing, and asks again at the next look', () => {
  const look = vi.fn<() => void>();
  let needed = false;
  blocked.whileBlocked(look, () => needed);
  slice(50);
  expect(slice(1)).toBe(Infinity);
  blocked.endBlocked();
  needed = true;
  slice(50);
  expect(look).toHaveBeenCalledTimes(1);
  expect(slice(250)).toBe(250);
});

/** Blocks the main thread until it is killed, or for a minute. */
const BLOCK = `
  import { writeSync } from 'node:fs';
  import { blockedSlice, endBlocked, lookWhileBlocked } from './blocked.ts';
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => writeSync(1, 'handled'));
  const deadline = performance.now() + 60_000;
  try {
    while (performance.now() < deadline) {
      Atomics.wait(word, 0, 0, blockedSlice(deadline - performance.now()));
      lookWhileBlocked();
      if (process.listenerCount('SIGINT') === 0) writeSync(1, 'off');
    }
  } finally {
    endBlocked();
  }
`;

test.each(SIGNALS)('%s ends a program that is blocked and has a listener for it', async (name) => {
  const { out, signal } = await runProgram(BLOCK, (output, kill) => {
    if (output === 'off') kill(name);
  });
  expect([out, signal]).toEqual(['off', name]);
});

test('a worker that has started no other sleeps for as long as it likes', async () => {
  const { out } = await runProgram(`
    import { Worker } from 'node:worker_threads';
    const url = 'file://' + process.cwd() + '/blocked.ts';
    const source = \`import { blockedSlice } from '\${url}'; console.log(blockedSlice(Infinity));\`;
    new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
  `);
  expect(out).toBe('Infinity\n');
});
