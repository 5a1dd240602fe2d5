/**
 * After each test file no thread is left, nor a handle that keeps the process up.
 *
 * Workers are counted as they are made: `diagnostics_channel` tells of each, also of those that hold nothing up and
 * that no list of handles would show.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll } from 'vitest';

/** What was told to end has this long to do so; what nobody told never does. */
const END_WITHIN = 5_000;
/** What a test may leave behind and should not; timers and pipes are also vitest's own. */
const HANDLES = /^(?:MessagePort|Worker|TCP\w+|TTYWrap|ProcessWrap|SignalWrap|FSEventWrap)$/;

const alive = new Set<Worker>();

subscribe('worker_threads', (message) => {
  const { worker } = message as { worker: Worker };
  alive.add(worker);
  // Before all other listeners, for one of them may throw.
  worker.prependOnceListener('exit', () => alive.delete(worker));
});

let before: readonly string[] = [];

beforeAll(() => {
  before = handles();
});

afterAll(async () => {
  const deadline = performance.now() + END_WITHIN;
  let left = leftovers();
  // Nothing tells of the end of a handle: look once per turn of the event loop, most are gone at the first.
  while (left.length > 0 && performance.now() < deadline) {
    await nextTurn();
    left = leftovers();
  }
  for (const worker of alive) void worker.terminate();
  if (left.length === 0) return;
  throw new Error(
    `The test file has left behind: ${left.join(', ')}; shut down pools, close servers and ports`,
  );
}, 2 * END_WITHIN);

function leftovers(): readonly string[] {
  const threads = [...alive].map(({ threadId }) => `thread ${threadId}`);
  return [...threads, ...added(before, handles())];
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

function handles(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => HANDLES.test(name));
}

/** Those of `now` that were not there before; of equal ones, as many as there are more. */
function added(then: readonly string[], now: readonly string[]): readonly string[] {
  const rest = [...then];
  return now.filter((name) => {
    const index = rest.indexOf(name);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}
