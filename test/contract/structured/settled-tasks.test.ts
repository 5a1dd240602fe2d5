/** Code that a settled task left behind, and code that was never to be of a task. */
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createSocketServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { cancelled, currentTask, outside, shield, sleep, TaskGroup } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { ENDED, SEEN } from '../executors/jobs.ts';
import { flag, goOn, raised } from '../executors/stand.ts';
import { leftJobs } from './left-jobs.ts';
import { deferred, eachPlace, eachThread, settled, taskOf, turns } from './places.ts';
import { CALLED, work } from './work.ts';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Whether a task is there, and what a wait gives: undefined if it works. */
async function look(): Promise<readonly [task: string | undefined, cancelled: boolean, wait: unknown]> {
  const wait = await sleep(0).then(
    () => undefined,
    (error: unknown) => error,
  );
  return [currentTask()?.name, cancelled(), wait];
}

const OUTSIDE = [undefined, false, undefined];

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function answer(port: number, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ port, host: '127.0.0.1', ...(agent && { agent }) }, (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
}

describe('Outside any task is', () => {
  test.each(['ended', 'cancelled'])(
    'the handler of a server that a task started, which has %s',
    async (how) => {
      const seen: unknown[] = [];
      const serving = deferred<number>();
      const { task } = await taskOf(async (self) => {
        const server = createServer((_, response) => {
          void look().then((found) => {
            seen.push(found);
            response.end('answer');
          });
        });
        serving.resolve(await listen(server));
        if (how === 'cancelled') {
          self().cancel();
          await sleep(0);
        }
      });
      expect(task.status).toBe(how === 'ended' ? 'fulfilled' : 'cancelled');
      expect(await answer(await serving.promise)).toBe('answer');
      expect(seen).toEqual([OUTSIDE]);
    },
  );

  test('a group that a handler of such a server runs: it is nobody else’s child', async () => {
    const seen: unknown[] = [];
    const serving = deferred<number>();
    await taskOf(async (self) => {
      const server = createServer((_, response) => {
        void TaskGroup.run(async (group) => {
          const task = group.spawn(() => look());
          seen.push((await task)[2]);
        }).then(() => response.end('answer'));
      });
      serving.resolve(await listen(server));
      self().cancel();
    });
    expect(await answer(await serving.promise)).toBe('answer');
    expect(seen).toEqual([undefined]);
  });

  test('the callback of a socket that a cancelled task opened', async () => {
    const server = createSocketServer((socket) => {
      socket.on('data', (data) => socket.write(data));
      closing.push(() => socket.destroy());
    });
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const found = deferred<unknown>();
    const opened = deferred<ReturnType<typeof connect>>();
    await taskOf(async (self) => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      closing.unshift(() => socket.destroy());
      socket.on('data', () => found.resolve(look()));
      await once(socket, 'connect');
      opened.resolve(socket);
      self().cancel();
      await sleep(0);
    });
    (await opened.promise).write('x');
    expect(await found.promise).toEqual(OUTSIDE);
  });

  test('nothing of a pooled connection: who uses it next is its own task', async () => {
    const port = await listen(createServer((_, response) => response.end('answer')));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closing.unshift(() => agent.destroy());
    await taskOf(async (self) => {
      expect(await answer(port, agent)).toBe('answer');
      self().cancel();
      await sleep(0);
    });
    const { task } = await taskOf(async () => {
      const text = await answer(port, agent);
      await sleep(0);
      return [text, currentTask()?.name];
    });
    expect(await task).toEqual(['answer', task.name]);
  });

  test('a timer, a promise and an interval that a task left, failed, cancelled or fulfilled', async () => {
    for (const how of ['fulfilled', 'cancelled', 'rejected']) {
      const go = deferred();
      const found: Promise<unknown>[] = [];
      const { task } = await taskOf(async (self) => {
        found.push(go.promise.then(look));
        found.push(new Promise((resolve) => setTimeout(() => resolve(look()), 1)));
        if (how === 'cancelled') {
          self().cancel();
          await sleep(0);
        }
        if (how === 'rejected') throw new Error('failed');
      });
      expect(task.status).toBe(how);
      go.resolve();
      expect(await Promise.all(found)).toEqual([OUTSIDE, OUTSIDE]);
    }
  });

  eachThread((place) => {
    test('what a settled job left behind in its thread', async () => {
      const words = flag();
      expect(await place().run(leftJobs.leaveTimer, words)).toBe('left');
      goOn(words);
      await raised(words, ENDED);
      expect(Atomics.load(words, SEEN)).toBe(1);
    });
  });
});

describe('outside()', () => {
  eachPlace((place) => {
    test('starts what the end of the task does not await, nor its cancellation end', async () => {
      const words = flag();
      let left!: PromiseLike<string>;
      const { task } = await taskOf(async (self) => {
        left = outside(() => place().run(work.giveWhenToldTo, words, 'value'));
        await raised(words);
        self().cancel();
        await sleep(0);
      });
      expect(task.status).toBe('cancelled');
      expect(Atomics.load(words, ENDED)).toBe(0);
      goOn(words);
      expect(await left).toBe('value');
    });

    test('works in a task that is cancelled already', async () => {
      let value: unknown;
      await taskOf(async (self) => {
        self().cancel();
        value = await outside(async () => place().run(work.value, flag(), 'value'));
      });
      expect(value).toBe('value');
    });
  });

  test('is no task for all that it calls, and gives what it gives', async () => {
    const { task } = await taskOf(async (self) => {
      self().cancel();
      expect(outside(() => [currentTask(), cancelled()])).toEqual([undefined, false]);
      expect(currentTask()).toBe(self());
      expect(() =>
        outside(() => {
          throw new RangeError('own');
        }),
      ).toThrow('own');
      return await outside(look);
    });
    expect(await task).toEqual(OUTSIDE);
  });
});

describe('A swallowed cancellation is visible:', () => {
  test('the task that ends normally after it is fulfilled', async () => {
    const words = flag();
    await TaskGroup.run(async (group) => {
      const task = group.spawn(() => work.swallow(words));
      await raised(words);
      expect(task.cancel()).toBe(true);
      await settled(task);
      expect(task.status).toBe('fulfilled');
      expect(task.signal.aborted).toBe(true);
      expect(await task).toBe('swallowed');
    });
  });

  test('a body that swallows the cancellation of its group gives its value', async () => {
    const value = await TaskGroup.run(async (group) => {
      group.cancel();
      await failure(sleep(Infinity));
      return 'value';
    });
    expect(value).toBe('value');
  });

  test('a task that swallows it, and fails later, is rejected', async () => {
    const { task } = await taskOf(async (self) => {
      self().cancel();
      await failure(sleep(0));
      throw new RangeError('later');
    });
    expect(task.status).toBe('rejected');
  });

  test('a loop that swallows it every time is waited for', async () => {
    const words = flag();
    let over = false;
    const running = TaskGroup.run(async (group) => {
      group.spawn(async () => {
        while (Atomics.load(words, CALLED) === 0) {
          await sleep(0).catch(() => {});
          await shield(() => turns(1));
        }
      });
      await turns();
      group.cancel();
    }).then(() => (over = true));
    await turns(20);
    expect(over).toBe(false);
    Atomics.store(words, CALLED, 1);
    await running;
  });
});
