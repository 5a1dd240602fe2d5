/** What Node and the DOM reject with when the signal of a task is aborted counts as its cancellation. */
import { execFile } from 'node:child_process';
import { EventEmitter, on, once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  setImmediate as immediate,
  setInterval as interval,
  scheduler,
  setTimeout as timer,
} from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CancelledError, isCancelled, TaskGroup, TimeoutError, withTimeout } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { ENDED, SEEN } from '../executors/jobs.ts';
import { flag, raised } from '../executors/stand.ts';
import { abortJobs } from './abort-jobs.ts';
import { begin, deferred, eachPlace, groupFailure, settled, turns } from './places.ts';

let server: Server;
let folder: string;
/** Who is told of a request, by its path. */
const asked = new Map<string, () => void>();

/** A URL that nobody has asked for yet. */
function urlTelling(ready: () => void): string {
  const path = `/${asked.size}`;
  asked.set(path, ready);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-abort-'));
  // It never answers.
  server = createServer(({ url = '' }) => asked.get(url)?.());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

type Call = (signal: AbortSignal, ready: () => void) => Promise<unknown>;

/** One that can be aborted as soon as it has been called. */
function atOnce(call: (signal: AbortSignal) => Promise<unknown>): Call {
  return (signal, ready) => {
    const running = call(signal);
    ready();
    return running;
  };
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

const question = async (signal: AbortSignal): Promise<string> => {
  const readline = createInterface({ input: new PassThrough(), output: new PassThrough() });
  try {
    return await readline.question('?', { signal });
  } finally {
    readline.close();
  }
};

const childOf = (signal: AbortSignal): Promise<unknown> =>
  promisify(execFile)(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { signal });

function ask(signal: AbortSignal, ready: () => void): Promise<unknown> {
  return fetch(urlTelling(ready), { signal });
}

/** Calls that end only by their signal; each tells when the signal may come. */
const CALLS: readonly [string, Call][] = [
  ['setTimeout() of timers/promises', atOnce((signal) => timer(60_000, undefined, { signal }))],
  ['scheduler.wait()', atOnce((signal) => scheduler.wait(60_000, { signal }))],
  ['setInterval() of timers/promises', atOnce((signal) => drain(interval(60_000, undefined, { signal })))],
  ['events.once()', atOnce((signal) => once(new EventEmitter(), 'never', { signal }))],
  ['events.on()', atOnce((signal) => drain(on(new EventEmitter(), 'never', { signal })))],
  [
    'pipeline() of stream/promises',
    atOnce((signal) => pipeline(new PassThrough(), new PassThrough(), { signal })),
  ],
  ['question() of readline/promises', atOnce(question)],
  ['execFile()', atOnce(childOf)],
  ['fetch()', ask],
  [
    'fetch() by a signal made of several',
    (signal, ready) => ask(AbortSignal.any([signal, new AbortController().signal]), ready),
  ],
];

/** Calls that an aborted signal ends before they begin. */
const LATE: readonly [string, (signal: AbortSignal) => Promise<unknown>][] = [
  ['fs.readFile()', (signal) => readFile(import.meta.filename, { signal })],
  ['fs.writeFile()', (signal) => writeFile(join(folder, 'never'), 'never', { signal })],
  ['setImmediate() of timers/promises', (signal) => immediate(undefined, { signal })],
  ['throwIfAborted()', async (signal) => signal.throwIfAborted()],
  ...CALLS.map(([name, call]): [string, (signal: AbortSignal) => Promise<unknown>] => [
    name,
    (signal) => call(signal, () => {}),
  ]),
];

describe('The end of a call by the signal of its task', () => {
  test.each(CALLS)('is its cancellation: %s', async (_, call) => {
    const ready = deferred();
    let seen: unknown;
    await TaskGroup.run(async (group) => {
      const task = group.spawn(async (signal) => {
        try {
          await call(signal, () => ready.resolve());
        } catch (error) {
          seen = error;
          throw error;
        }
      });
      await ready.promise;
      await turns();
      task.cancel('why');
      await settled(task);
      expect(task.status).toBe('cancelled');
      // Whoever awaits it gets the cancellation itself.
      expect(await failure(task)).toBe(task.signal.reason);
    });
    expect(isCancelled(seen)).toBe(true);
  });

  test.each(CALLS)('is no failure of the group that is cancelled: %s', async (_, call) => {
    const ready = deferred();
    const value = await TaskGroup.run(async (group) => {
      group.spawn((signal) => call(signal, () => ready.resolve()));
      group.spawn(() => call(group.signal, () => {}));
      await ready.promise;
      await turns();
      group.cancel();
      return 'value';
    });
    expect(value).toBe('value');
  });

  test.each(CALLS)('is the time-out of a block: %s', async (_, call) => {
    const error = await failure(withTimeout(20, (signal) => call(signal, () => {})));
    expect(error).toBeInstanceOf(TimeoutError);
  });

  test.each(LATE)('comes at once in a task that is cancelled already: %s', async (_, call) => {
    await TaskGroup.run(async (group) => {
      const task = group.spawn(async (signal) => {
        task.cancel();
        await call(signal);
      });
      await settled(task);
      expect(task.status).toBe('cancelled');
    });
  });

  test('fails the siblings of nobody: the first failure stands alone', async () => {
    const failed = new Error('failed');
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        for (const [, call] of CALLS) group.spawn((signal) => call(signal, () => {}));
        await turns();
        group.spawn(() => Promise.reject(failed));
      }),
    );
    expect(error.errors).toEqual([failed]);
  });

  eachPlace((place) => {
    test('is that of the work wherever it is: the signal of the current task', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        const { task } = await begin(group, place(), abortJobs.timer, words);
        task.cancel();
        await settled(task);
        expect(task.status).toBe('cancelled');
      });
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });

    test('is that of the work wherever it is: fetch()', async () => {
      const words = flag();
      const ready = deferred();
      const url = urlTelling(() => ready.resolve());
      await TaskGroup.run(async (group) => {
        const { task } = await begin(group, place(), abortJobs.fetch, words, url);
        await ready.promise;
        task.cancel();
        await settled(task);
        expect(task.status).toBe('cancelled');
      });
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });

    test('is that of a group within the work: no failure of it', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        await begin(group, place(), abortJobs.group, words);
        group.cancel();
        await raised(words, ENDED);
      });
      expect(Atomics.load(words, SEEN)).toBe(1);
    });
  });
});

describe('An AbortError of another signal', () => {
  test.each([
    ['setTimeout() of timers/promises', (signal: AbortSignal) => timer(60_000, undefined, { signal })],
    ['events.once()', (signal: AbortSignal) => once(new EventEmitter(), 'never', { signal })],
    [
      'fetch()',
      (signal: AbortSignal) =>
        fetch(
          urlTelling(() => {}),
          { signal },
        ),
    ],
  ] as const)('is a failure: %s', async (_, call) => {
    const controller = new AbortController();
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        const task = group.spawn((): Promise<unknown> => call(controller.signal));
        await turns();
        controller.abort();
        await settled(task);
        expect(task.status).toBe('rejected');
      }),
    );
    expect(error.errors).toMatchObject([{ name: 'AbortError' }]);
  });

  test('is a failure in a cancelled task too', async () => {
    const wait = deferred<never>();
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        group.spawn(() => wait.promise);
        await turns();
        group.cancel();
        wait.reject(new DOMException('of somebody else', 'AbortError'));
      }),
    );
    expect(error.errors).toMatchObject([{ name: 'AbortError', message: 'of somebody else' }]);
  });

  test('caused by the CancelledError of another task is none of this task', async () => {
    const other = new CancelledError('of another');
    const error = await groupFailure(
      TaskGroup.run((group) => void group.spawn(() => Promise.reject(new Error('x', { cause: other })))),
    );
    expect(error.errors).toHaveLength(1);
    expect(isCancelled(error.errors[0])).toBe(true);
  });
});
