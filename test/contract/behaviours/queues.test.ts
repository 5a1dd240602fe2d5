/** What is asked of queues by the tests of those that came before: `queue`, `asyncio`, `culsans`, `anyio`, channels of Rust. */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import {
  CaptureError,
  InvalidStateError,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueShutDownError,
  SendError,
  sleep,
  TaskGroup,
} from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';
import {
  type Actor,
  BLOCKED,
  CANCELLED,
  each,
  eachPair,
  HERE,
  MODES,
  type Mode,
  outcome,
  outcomes,
  SHUT_DOWN,
  Stand,
  TIMEOUT,
  until,
  untilWaiting,
  WAYS_OUT,
} from './stand.ts';

const stand = new Stand(6);
afterEach(() => stand.clear());
afterAll(() => stand.end());

async function getters(queue: Queue<unknown>, mode: Mode, n: number): Promise<Actor[]> {
  const actors: Actor[] = [];
  for (let i = 0; i < n; i++) {
    const before = queue.statistics().getters;
    actors.push(await stand.start(mode, jobs.wait, queue, 'get', [{}]));
    await until(() => queue.statistics().getters === before + 1);
  }
  return actors;
}

async function putters(queue: Queue<unknown>, mode: Mode, items: readonly unknown[]): Promise<Actor[]> {
  const actors: Actor[] = [];
  for (const item of items) {
    const before = queue.statistics().putters;
    actors.push(await stand.start(mode, jobs.wait, queue, 'put', [item, {}]));
    await until(() => queue.statistics().putters === before + 1);
  }
  return actors;
}

async function joiners(queue: Queue<unknown>, mode: Mode, n: number): Promise<Actor[]> {
  const before = queue.statistics().joiners;
  const actors = await stand.all(mode, n, jobs.wait, queue, 'join', [{}]);
  await until(() => queue.statistics().joiners === before + n);
  return actors;
}

function drain<T>(queue: Queue<T>): T[] {
  const items: T[] = [];
  for (let got = queue.tryGet(); got !== undefined; got = queue.tryGet()) items.push(got.value);
  return items;
}

function isEmpty(queue: Queue<unknown>, unfinished = 0): void {
  expect(queue.statistics()).toMatchObject({
    size: 0,
    bytes: 0,
    unfinished,
    getters: 0,
    putters: 0,
    joiners: 0,
    waiting: 0,
  });
}

type Make = (options?: { capacity?: number; name?: string }) => Queue<number>;

const KINDS: readonly (readonly [string, Make, (items: number[]) => number[]])[] = [
  ['Queue', (options) => new Queue<number>(options), (items) => items],
  ['LifoQueue', (options) => new LifoQueue<number>(options), (items) => items.toReversed()],
  ['PriorityQueue', (options) => new PriorityQueue<number>(options), (items) => items],
];

describe.each(KINDS)('%s', (_name, make, ordered) => {
  test('is unbounded by default; bounded, it says when it is full; twice over', () => {
    expect(make().capacity).toBe(Infinity);
    const queue = make({ capacity: 5 });
    for (let time = 0; time < 2; time++) {
      expect(queue.size).toBe(0);
      expect(queue.tryGet()).toBeUndefined();
      for (let n = 1; n <= 5; n++) {
        expect(queue.tryPut(n)).toBe(true);
        expect(queue.size).toBe(n);
      }
      expect(queue.tryPut(6)).toBe(false);
      expect(thrown(() => queue.putSync(6, { timeout: 1 }))).toHaveProperty('code', TIMEOUT);
      expect(queue.size).toBe(5);
      expect(drain(queue)).toEqual(ordered([1, 2, 3, 4, 5]));
      expect(thrown(() => queue.getSync({ timeout: 1 }))).toHaveProperty('code', TIMEOUT);
    }
    isEmpty(queue, 10);
  });

  each('a getter waits for an item, a putter for room', MODES, async (mode) => {
    const queue = make({ capacity: 2 });
    const [getter] = await getters(queue, mode, 1);
    queue.tryPut(1);
    expect(await outcome(getter!)).toBe(1);
    queue.tryPut(2);
    queue.tryPut(3);
    const [putter] = await putters(queue, mode, [4]);
    expect(queue.size).toBe(2);
    const first = queue.tryGet()!.value;
    expect(await outcome(putter!)).toBe(undefined);
    expect([first, ...drain(queue)].sort()).toEqual([2, 3, 4]);
    isEmpty(queue, 4);
  });

  each('waits with a time-out that is long enough', MODES, async (mode) => {
    const queue = make({ capacity: 1 });
    const getter = await stand.start(mode, jobs.wait, queue, 'get', [{ timeout: 10_000 }]);
    await untilWaiting(queue, 1);
    queue.putSync(1);
    expect(await outcome(getter)).toBe(1);
    queue.putSync(2);
    const putter = await stand.start(mode, jobs.wait, queue, 'put', [3, { timeout: 10_000 }]);
    await untilWaiting(queue, 1);
    expect(queue.getSync()).toBe(2);
    expect(await outcome(putter)).toBe(undefined);
    expect(await queue.get()).toBe(3);
    isEmpty(queue, 3);
  });

  test('a capacity that shrinks drops nothing; one that grows lets in who waits', async () => {
    const queue = make({ capacity: 3 });
    for (const n of [1, 2, 3]) queue.tryPut(n);
    queue.capacity = 2;
    expect([queue.capacity, queue.size, queue.tryPut(4)]).toEqual([2, 3, false]);
    queue.tryGet();
    expect(queue.tryPut(4)).toBe(false);
    queue.tryGet();
    expect(queue.tryPut(4)).toBe(true);
    const puts = [queue.put(5), queue.put(6), queue.put(7)];
    expect(queue.statistics().putters).toBe(3);
    queue.capacity = 4;
    await puts[0];
    await puts[1];
    expect(queue.statistics()).toMatchObject({ size: 4, putters: 1 });
    queue.capacity = Infinity;
    await puts[2];
    expect([queue.capacity, queue.size]).toEqual([Infinity, 5]);
  });

  test('wrong capacities are refused, at the start and later', () => {
    for (const capacity of [0, -1, 1.3, NaN, -Infinity]) {
      expect(thrown(() => make({ capacity }))).toBeInstanceOf(RangeError);
      const queue = make({ capacity: 2 });
      expect(
        thrown(() => {
          queue.capacity = capacity;
        }),
      ).toBeInstanceOf(RangeError);
      expect(queue.capacity).toBe(2);
    }
    for (const capacity of ['1', null, 1n])
      expect(thrown(() => make({ capacity: capacity as unknown as number }))).toBeInstanceOf(TypeError);
  });

  describe('unfinished, taskDone and join', () => {
    test('unfinished rises with each put and falls with taskDone alone', () => {
      const queue = make();
      queue.putSync(1);
      expect(queue.unfinished).toBe(1);
      queue.getSync();
      expect(queue.unfinished).toBe(1);
      queue.taskDone();
      expect(queue.unfinished).toBe(0);
    });

    test('one taskDone too many is an InvalidStateError; so is one for what nobody has taken', () => {
      const queue = make();
      expect(thrown(() => queue.taskDone())).toBeInstanceOf(InvalidStateError);
      queue.putSync(1);
      expect(thrown(() => queue.taskDone())).toBeInstanceOf(InvalidStateError);
      queue.getSync();
      queue.taskDone();
      expect(thrown(() => queue.taskDone())).toBeInstanceOf(InvalidStateError);
      expect(queue.unfinished).toBe(0);
    });

    each('two workers take a hundred items; join waits for all, and again', MODES, async (mode) => {
      const queue = make();
      const workers = await stand.all(mode, 2, jobs.takeAll, queue);
      for (let n = 0; n < 100; n++) await queue.put(n);
      await queue.join();
      isEmptyBut(queue, 2);
      await queue.put(100);
      await queue.join();
      queue.shutdown();
      const taken = (await outcomes(workers)) as number[][];
      expect(taken.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 101 }, (_, n) => n));
      expect(thrown(() => queue.taskDone())).toBeInstanceOf(InvalidStateError);
    });

    each('join of an empty queue passes at once, twice, also after shutdown', MODES, async (mode) => {
      const queue = make();
      expect(await outcomes(await stand.all(mode, 2, jobs.wait, queue, 'join', [{ timeout: 0 }]))).toEqual([
        undefined,
        undefined,
      ]);
      queue.shutdown();
      expect(await outcome(await stand.start(mode, jobs.wait, queue, 'join', [{ timeout: 0 }]))).toBe(
        undefined,
      );
    });

    each(
      'joiners go on at the moment when all is done, though a put follows in the same tick',
      MODES,
      async (mode) => {
        const queue = make();
        queue.tryPut(1);
        queue.tryPut(2);
        const actors = await joiners(queue, mode, 2);
        queue.tryGet();
        queue.taskDone();
        expect(queue.statistics().joiners).toBe(2);
        queue.tryGet();
        queue.taskDone();
        queue.tryPut(3);
        expect(await outcomes(actors)).toEqual([undefined, undefined]);
        expect(queue.unfinished).toBe(1);
      },
    );

    for (const { way, modes, options, aborts, leave, code } of WAYS_OUT)
      each(`a joiner that is ${way} leaves the others waiting`, modes, async (mode) => {
        const queue = make();
        queue.tryPut(1);
        const leaving = await stand[aborts ? 'startAborting' : 'start'](mode, jobs.wait, queue, 'join', [
          options,
        ]);
        const other = await stand.start(mode, jobs.wait, queue, 'join', [{}]);
        leave(leaving);
        expect(await outcome(leaving)).toBe(code);
        expect(await leaving.served()).toBe(false);
        await untilWaiting(queue, 1);
        queue.tryGet();
        queue.taskDone();
        expect(await outcome(other)).toBe(undefined);
      });

    eachPair('what was taken elsewhere is marked there', async (a, b) => {
      const queue = make();
      for (const n of [1, 2, 3]) queue.tryPut(n);
      const workers = [
        await stand.start(a, jobs.getAndMark, queue, 2),
        await stand.start(b, jobs.getAndMark, queue, 1),
      ];
      for (const worker of workers) await worker.got();
      const [joiner] = await joiners(queue, b, 1);
      expect(queue.unfinished).toBe(3);
      workers[0]!.goOn();
      await workers[0]!.outcome;
      expect([queue.unfinished, joiner!.rank]).toEqual([1, 0]);
      workers[1]!.goOn();
      expect(await outcome(joiner!)).toBe(undefined);
      isEmpty(queue);
    });
  });

  describe('shutdown', () => {
    for (const immediate of [false, true]) {
      const how = immediate ? 'shutdown({ immediate: true })' : 'shutdown()';

      each(`${how} of an empty queue: nothing goes in, nothing comes out`, MODES, async (mode) => {
        const queue = make();
        queue.shutdown({ immediate });
        const put = await stand.start(mode, jobs.wait, queue, 'put', [1, {}]);
        const get = await stand.start(mode, jobs.wait, queue, 'get', [{}]);
        expect(await outcomes([put, get])).toEqual([SHUT_DOWN, SHUT_DOWN]);
        expect(await stand.aside.submit(jobs.attempt, queue, 'tryPut', [1])).toBe(SHUT_DOWN);
        expect(await stand.aside.submit(jobs.attempt, queue, 'tryGet', [])).toBe(SHUT_DOWN);
        expect(queue.isShutDown).toBe(true);
        isEmpty(queue);
      });

      each(`${how} with items: all methods afterwards`, MODES, async (mode) => {
        const queue = make({ capacity: 2 });
        queue.tryPut(1);
        await queue.put(2);
        queue.shutdown({ immediate });
        expect(thrown(() => queue.tryPut(3))).toBeInstanceOf(QueueShutDownError);
        expect(await failure(queue.put(3, { timeout: 0 }))).toBeInstanceOf(QueueShutDownError);
        const put = await stand.start(mode, jobs.wait, queue, 'put', [3, {}]);
        expect(await outcome(put)).toBe(SHUT_DOWN);
        if (immediate) {
          expect([queue.size, queue.unfinished]).toEqual([0, 0]);
          expect(thrown(() => queue.tryGet())).toBeInstanceOf(QueueShutDownError);
          expect(thrown(() => queue.taskDone())).toBeInstanceOf(InvalidStateError);
        } else {
          expect([queue.size, queue.unfinished]).toEqual([2, 2]);
          const workers = [await stand.start(mode, jobs.getAndMark, queue, 2)];
          workers[0]!.goOn();
          expect([...((await outcome(workers[0]!)) as number[])].sort()).toEqual([1, 2]);
        }
        expect(await outcome(await stand.start(mode, jobs.wait, queue, 'join', [{}]))).toBe(undefined);
        const late = [
          await stand.start(mode, jobs.wait, queue, 'get', [{}]),
          await stand.start(mode, jobs.wait, queue, 'get', [{ timeout: 1 }]),
          await stand.start(mode, jobs.wait, queue, 'get', [{ timeout: 0 }]),
        ];
        expect(await outcomes(late)).toEqual([SHUT_DOWN, SHUT_DOWN, SHUT_DOWN]);
        isEmpty(queue);
      });

      each(`${how} ends who waits to get`, MODES, async (mode) => {
        const queue = make();
        const actors = await getters(queue, mode, 3);
        queue.shutdown({ immediate });
        expect(await outcomes(actors)).toEqual([SHUT_DOWN, SHUT_DOWN, SHUT_DOWN]);
        isEmpty(queue);
      });

      each(
        `${how} refuses who waits to put; what was in it ${immediate ? 'is dropped' : 'stays'}`,
        MODES,
        async (mode) => {
          const queue = make({ capacity: 2 });
          queue.tryPut(1);
          queue.tryPut(2);
          const actors = await putters(queue, mode, [3, 4]);
          queue.shutdown({ immediate });
          expect(await outcomes(actors)).toEqual([SHUT_DOWN, SHUT_DOWN]);
          expect([queue.size, queue.unfinished]).toEqual(immediate ? [0, 0] : [2, 2]);
          if (immediate) expect(thrown(() => queue.tryGet())).toBeInstanceOf(QueueShutDownError);
          else expect([queue.getSync(), queue.getSync()].sort()).toEqual([1, 2]);
        },
      );

      each(`${how} and who joins`, MODES, async (mode) => {
        const queue = make();
        queue.tryPut(1);
        const actors = await joiners(queue, mode, 2);
        queue.shutdown({ immediate });
        if (!immediate) {
          expect(queue.statistics().joiners).toBe(2);
          queue.tryGet();
          queue.taskDone();
        }
        expect(await outcomes(actors)).toEqual([undefined, undefined]);
        isEmpty(queue);
      });

      each(`${how} while some is in hand: join waits for that, and taskDone goes on`, MODES, async (mode) => {
        const queue = make();
        for (const n of [1, 2, 3]) queue.tryPut(n);
        const worker = await stand.start(mode, jobs.getAndMark, queue, 1);
        await worker.got();
        const [joiner] = await joiners(queue, mode, 1);
        queue.shutdown({ immediate });
        if (!immediate) {
          drainOf(queue, 2);
          queue.taskDone();
          queue.taskDone();
        }
        expect(queue.unfinished).toBe(1);
        expect(queue.statistics().joiners).toBe(1);
        worker.goOn();
        expect(await outcome(joiner!)).toBe(undefined);
        expect(await outcome(worker)).toHaveLength(1);
        isEmpty(queue);
      });

      each(
        `${how} under four producers and two consumers: all end, and nothing is lost or doubled`,
        MODES,
        async (mode) => {
          const queue = make({ capacity: 3 });
          const producers: Actor[] = [];
          for (let p = 0; p < 4; p++)
            producers.push(
              await stand.start(
                mode,
                jobs.putAll,
                queue,
                Array.from({ length: 2000 }, (_, n) => 10_000 * p + n),
              ),
            );
          const consumers = [
            await stand.start(HERE, jobs.takeAll, queue),
            await stand.start(HERE, jobs.takeAll, queue),
          ];
          for (let i = 0; i < 20; i++) await turn();
          queue.shutdown({ immediate });
          const put = (await outcomes(producers)) as [number, string][];
          const taken = ((await outcomes(consumers)) as number[][]).flat();
          await queue.join();
          isEmpty(queue);
          for (const [count, code] of put) expect(count === 2000 ? '' : SHUT_DOWN).toBe(code);
          const expected = put.flatMap(([count], p) =>
            Array.from({ length: count }, (_, n) => 10_000 * p + n),
          );
          expect(new Set(taken).size).toBe(taken.length);
          const missing = expected.filter((item) => !taken.includes(item));
          expect(missing.length).toBeLessThanOrEqual(immediate ? 3 : 0);
          expect(taken.every((item) => expected.includes(item))).toBe(true);
        },
      );
    }

    test('shutdown twice; then immediate; then without: the strictest stays', () => {
      const queue = make();
      queue.tryPut(1);
      queue.tryPut(2);
      queue.shutdown();
      queue.shutdown();
      expect([queue.isShutDown, queue.size]).toEqual([true, 2]);
      queue.shutdown({ immediate: true });
      expect([queue.isShutDown, queue.size, queue.unfinished]).toEqual([true, 0, 0]);
      queue.shutdown({ immediate: false });
      expect(queue.isShutDown).toBe(true);
      expect(thrown(() => queue.tryGet())).toBeInstanceOf(QueueShutDownError);
    });

    each('two items, three getters and shutdown in one tick: two get, one is told', MODES, async (mode) => {
      const queue = make();
      const actors = await getters(queue, mode, 3);
      queue.tryPut(1);
      queue.tryPut(2);
      queue.shutdown();
      const found = await outcomes(actors);
      expect(found.filter((one) => one === SHUT_DOWN)).toHaveLength(1);
      expect(new Set(found)).toEqual(new Set([1, 2, SHUT_DOWN]));
    });

    each(
      'an error given to shutdown is what all get: who waits, who comes, who iterates',
      MODES,
      async (mode) => {
        const queue = make({ capacity: 1 });
        queue.tryPut(1);
        const [putter] = await putters(queue, mode, [2]);
        const error = Object.assign(new RangeError('the source has failed'), { code: 'ERR_SOURCE' });
        queue.shutdown({ error });
        expect(await outcome(putter!)).toBe('ERR_SOURCE');
        expect(queue.tryGet()).toEqual({ value: 1 });
        expect(await outcome(await stand.start(mode, jobs.wait, queue, 'get', [{}]))).toBe('ERR_SOURCE');
        expect(await outcome(await stand.start(mode, jobs.wait, queue, 'put', [3, {}]))).toBe('ERR_SOURCE');
        expect(await outcome(await stand.start(mode, jobs.takeAll, queue))).toBe('ERR_SOURCE');
        const seen = thrown(() => queue.tryGet());
        expect(seen).toBeInstanceOf(RangeError);
        expect(seen).toHaveProperty('message', 'the source has failed');
        queue.shutdown({ error: new Error('too late') });
        expect(thrown(() => queue.tryGet())).toHaveProperty('code', 'ERR_SOURCE');
      },
    );

    test('wrong options of shutdown are refused, and it is open as before', () => {
      const queue = make();
      expect(thrown(() => queue.shutdown(true as unknown as object))).toBeInstanceOf(TypeError);
      expect(thrown(() => queue.shutdown(null as unknown as object))).toBeInstanceOf(TypeError);
      expect(thrown(() => queue.shutdown({ error: Symbol('no') }))).toBeInstanceOf(SendError);
      expect(queue.isShutDown).toBe(false);
      expect(queue.tryPut(1)).toBe(true);
    });
  });

  describe('giving up', () => {
    for (const { way, modes, options, aborts, leave, code } of WAYS_OUT) {
      const start = aborts ? 'startAborting' : 'start';
      each(`a getter that is ${way} takes nothing: the item is for the next`, modes, async (mode) => {
        const queue = make();
        const leaving = await stand[start](mode, jobs.wait, queue, 'get', [options]);
        if (options['timeout'] === undefined) await untilWaiting(queue, 1);
        const other = await stand.start(mode, jobs.wait, queue, 'get', [{}]);
        leave(leaving);
        expect(await outcome(leaving)).toBe(code);
        expect(await leaving.served()).toBe(false);
        await untilWaiting(queue, 1);
        queue.tryPut(1);
        expect(await outcome(other)).toBe(1);
        queue.tryPut(2);
        expect(queue.tryGet()).toEqual({ value: 2 });
        isEmpty(queue, 2);
      });

      each(`a putter that is ${way} puts nothing: the next one is let in`, modes, async (mode) => {
        const queue = make({ capacity: 1 });
        queue.tryPut(1);
        const leaving = await stand[start](mode, jobs.wait, queue, 'put', [2, options]);
        if (options['timeout'] === undefined) await untilWaiting(queue, 1);
        const other = await stand.start(mode, jobs.wait, queue, 'put', [3, {}]);
        leave(leaving);
        expect(await outcome(leaving)).toBe(code);
        expect(await leaving.served()).toBe(false);
        await untilWaiting(queue, 1);
        expect(queue.tryGet()).toEqual({ value: 1 });
        expect(await outcome(other)).toBe(undefined);
        expect(drain(queue)).toEqual([3]);
        isEmpty(queue, 2);
      });
    }

    each(
      'put and the cancellation of the getter in one tick: the item is with it or still there',
      MODES,
      async (mode) => {
        for (const putFirst of [true, false]) {
          const queue = make();
          const [getter] = await getters(queue, mode, 1);
          if (putFirst) queue.tryPut(1);
          getter!.cancel();
          if (!putFirst) queue.tryPut(1);
          const served = await getter!.served();
          await untilWaiting(queue, 0);
          expect(drain(queue)).toEqual(served ? [] : [1]);
          isEmpty(queue, 1);
        }
      },
    );

    each(
      'two items for three getters, the first of which is cancelled in that tick: no item is dropped',
      MODES,
      async (mode) => {
        const queue = make();
        const actors = await getters(queue, mode, 3);
        queue.tryPut(1);
        queue.tryPut(2);
        actors[0]!.cancel();
        const served = await actors[0]!.served();
        if (served) queue.tryPut(3);
        const found = await outcomes(actors.slice(1));
        expect(served || new Set(found).size === 2).toBe(true);
        isEmpty(queue, served ? 3 : 2);
      },
    );

    each(
      'room is made and the putter cancelled in one tick: its item is in, or was never',
      MODES,
      async (mode) => {
        for (const getFirst of [true, false]) {
          const queue = make({ capacity: 1 });
          queue.tryPut(1);
          const [putter] = await putters(queue, mode, [2]);
          if (getFirst) queue.tryGet();
          putter!.cancel();
          if (!getFirst) queue.tryGet();
          const served = await putter!.served();
          await untilWaiting(queue, 0);
          expect(drain(queue)).toEqual(served ? [2] : []);
          isEmpty(queue, served ? 2 : 1);
          expect(queue.tryPut(3)).toBe(true);
        }
      },
    );

    each('all getters and all putters are cancelled: the queue is as new', MODES, async (mode) => {
      const queue = make({ capacity: 1 });
      const waitingToGet = await getters(queue, mode, 3);
      for (const actor of waitingToGet) actor.cancel();
      expect(await outcomes(waitingToGet)).toEqual([CANCELLED, CANCELLED, CANCELLED]);
      await untilWaiting(queue, 0);
      queue.tryPut(1);
      const waitingToPut = await putters(queue, mode, [2, 3]);
      for (const actor of waitingToPut) actor.cancel();
      expect(await outcomes(waitingToPut)).toEqual([CANCELLED, CANCELLED]);
      await untilWaiting(queue, 0);
      expect(drain(queue)).toEqual([1]);
      isEmpty(queue, 1);
    });

    each('tiny time-outs that race with puts: each item comes out once', MODES, async (mode) => {
      const queue = make();
      const taken: unknown[] = [];
      for (let n = 0; n < 12; n++) {
        const actor = await stand.start(mode, jobs.wait, queue, 'get', [{ timeout: 0.3 }]);
        queue.tryPut(n);
        const found = await outcome(actor);
        if (found !== TIMEOUT) taken.push(found);
      }
      expect([...taken, ...drain(queue)].sort((a, b) => (a as number) - (b as number))).toEqual(
        Array.from({ length: 12 }, (_, n) => n),
      );
      isEmpty(queue, 12);
    });

    each('a time-out of 0: what is there is taken and given, all else fails at once', MODES, async (mode) => {
      const queue = make({ capacity: 1 });
      const now = { timeout: 0 };
      expect(await outcome(await stand.start(mode, jobs.wait, queue, 'get', [now]))).toBe(TIMEOUT);
      expect(await outcome(await stand.start(mode, jobs.wait, queue, 'put', [1, now]))).toBe(undefined);
      expect(await outcome(await stand.start(mode, jobs.wait, queue, 'put', [2, now]))).toBe(TIMEOUT);
      expect(await outcome(await stand.start(mode, jobs.wait, queue, 'join', [now]))).toBe(TIMEOUT);
      expect(await outcome(await stand.start(mode, jobs.wait, queue, 'get', [now]))).toBe(1);
      isEmpty(queue, 1);
    });
  });

  describe('iterating', () => {
    each('ends when it is shut down and drained, wherever it waits', MODES, async (mode) => {
      const queue = make();
      const actor = await stand.start(mode, jobs.takeAll, queue);
      await untilWaiting(queue, 1);
      for (const n of [1, 2, 3]) queue.tryPut(n);
      queue.shutdown();
      const taken = (await outcome(actor)) as number[];
      expect([...taken].sort()).toEqual([1, 2, 3]);
      expect(await outcome(await stand.start(mode, jobs.takeAll, queue))).toEqual([]);
      isEmpty(queue);
    });

    each('leaving the loop takes no further item', MODES, async (mode) => {
      const queue = make();
      for (const n of [1, 2, 3]) queue.tryPut(n);
      await outcome(await stand.start(mode, jobs.takeFirst, queue));
      expect([queue.size, queue.unfinished, queue.waiting]).toEqual([2, 3, 0]);
    });

    test('several loops share the items; a second loop goes on where the first was left', async () => {
      const queue = make();
      for (let n = 0; n < 6; n++) queue.tryPut(n);
      queue.shutdown();
      const seen: number[] = [];
      for await (const n of queue) {
        seen.push(n);
        if (seen.length === 2) break;
      }
      const loop = async (): Promise<void> => {
        for await (const n of queue) seen.push(n);
      };
      await Promise.all([loop(), loop()]);
      expect(seen.sort()).toEqual([0, 1, 2, 3, 4, 5]);
    });

    test('values({ timeout }) is for each wait; its signal ends it; after the end it stays at its end', async () => {
      const queue = make();
      queue.tryPut(1);
      const values = queue.values({ timeout: 2 });
      expect(await values.next()).toEqual({ value: 1, done: false });
      expect(await failure(values.next())).toHaveProperty('code', TIMEOUT);
      expect(await values.next()).toEqual({ value: undefined, done: true });
      const controller = new AbortController();
      const aborted = queue.values({ signal: controller.signal });
      const next = aborted.next();
      controller.abort(new Error('stop'));
      expect(await failure(next)).toHaveProperty('message', 'stop');
      expect(thrown(() => queue.values({ timeout: -1 }))).toBeInstanceOf(RangeError);
      expect(queue.statistics().waiting).toBe(0);
    });
  });

  describe('many at once', () => {
    eachPair('a queue of one place, ping and pong: back and forth, none lost', async (a, b) => {
      const [ping, pong] = [make({ capacity: 1 }), make({ capacity: 1 })];
      const players = [
        await stand.start(a, jobs.relay, ping, pong, 50),
        await stand.start(b, jobs.relay, pong, ping, 50),
      ];
      ping.putSync(0);
      await outcomes(players);
      expect(ping.tryGet()).toEqual({ value: 100 });
      isEmpty(pong, 50);
    });

    eachPair('three producers, two consumers: each item once, and the counts are right', async (a, b) => {
      const queue = make({ capacity: 2 });
      const producers: Actor[] = [];
      for (let p = 0; p < 3; p++)
        producers.push(
          await stand.start(
            a,
            jobs.putAll,
            queue,
            Array.from({ length: 60 }, (_, n) => 100 * p + n),
          ),
        );
      const consumers = await stand.all(b, 2, jobs.takeAll, queue);
      expect(await outcomes(producers)).toEqual([
        [60, ''],
        [60, ''],
        [60, ''],
      ]);
      await queue.join();
      queue.shutdown();
      const taken = ((await outcomes(consumers)) as number[][]).flat();
      expect(taken.sort((x, y) => x - y)).toEqual(
        [0, 1, 2].flatMap((p) => Array.from({ length: 60 }, (_, n) => 100 * p + n)),
      );
      isEmpty(queue);
    });
  });

  describe('clear, peek, batches', () => {
    test('clear() gives how many it dropped, lowers unfinished, and lets joiners and putters go on', async () => {
      const queue = make({ capacity: 2 });
      queue.tryPut(1);
      queue.tryPut(2);
      const put = queue.put(3);
      expect(queue.clear()).toBe(2);
      await put;
      expect([queue.size, queue.unfinished]).toEqual([1, 1]);
      const join = queue.join();
      expect(queue.clear()).toBe(1);
      await join;
      expect(queue.clear()).toBe(0);
      isEmpty(queue);
    });

    test('peek() shows what tryGet() would give, and takes nothing', () => {
      const queue = make();
      expect(queue.peek()).toBeUndefined();
      for (const n of [1, 2, 3]) queue.tryPut(n);
      const seen = queue.peek();
      expect([queue.size, queue.unfinished]).toEqual([3, 3]);
      expect(queue.tryGet()).toEqual(seen);
      queue.shutdown({ immediate: true });
      expect(queue.peek()).toBeUndefined();
    });

    each('getMany waits for one and takes what is there, up to max', MODES, async (mode) => {
      const queue = make();
      const waiting = await stand.start(mode, jobs.wait, queue, 'getMany', [3, {}]);
      await untilWaiting(queue, 1);
      queue.tryPut(1);
      expect(await outcome(waiting)).toEqual([1]);
      for (const n of [2, 3, 4, 5]) queue.tryPut(n);
      expect(await outcome(await stand.start(mode, jobs.wait, queue, 'getMany', [3, {}]))).toHaveLength(3);
      expect(await outcome(await stand.start(mode, jobs.wait, queue, 'getMany', [3, {}]))).toHaveLength(1);
      expect(await outcome(await stand.start(mode, jobs.wait, queue, 'getMany', [3, { timeout: 0 }]))).toBe(
        TIMEOUT,
      );
      queue.shutdown();
      expect(await outcome(await stand.start(mode, jobs.wait, queue, 'getMany', [3, {}]))).toBe(SHUT_DOWN);
    });

    test('putMany says how many were put when it fails, by time-out, signal, shutdown or a bad item', async () => {
      const queue = make({ capacity: 2 });
      expect(await failure(queue.putMany([1, 2, 3], { timeout: 2 }))).toMatchObject({
        code: TIMEOUT,
        count: 2,
      });
      expect(queue.size).toBe(2);
      expect(thrown(() => queue.putManySync([3], { timeout: 0 }))).toMatchObject({ code: TIMEOUT, count: 0 });
      queue.clear();
      const put = queue.putMany([1, 2, 3]);
      await untilWaiting(queue, 1);
      queue.shutdown();
      expect(await failure(put)).toMatchObject({ code: SHUT_DOWN, count: 2 });
      const other = make();
      const bad = [1, Symbol('no') as unknown as number, 3];
      const refused = await failure(other.putMany(bad));
      expect(refused).toBeInstanceOf(SendError);
      expect(refused).toHaveProperty('count', 1);
      expect(other.size).toBe(1);
      for (const items of [5, undefined, null])
        expect(await failure(other.putMany(items as unknown as number[]))).toBeInstanceOf(TypeError);
      for (const max of [0, -1, 1.5]) {
        expect(await failure(other.getMany(max))).toBeInstanceOf(RangeError);
        expect(thrown(() => other.getManySync(max))).toBeInstanceOf(RangeError);
      }
      expect(other.size).toBe(1);
    });
  });

  describe('who wins', () => {
    test('a wrong argument, then an aborted signal, then shutdown to puts, then what is there', async () => {
      const queue = make();
      const signal = AbortSignal.abort(new Error('stop'));
      queue.tryPut(1);
      expect(await failure(queue.get({ timeout: -1, signal }))).toBeInstanceOf(RangeError);
      expect(await failure(queue.get({ signal }))).toBe(signal.reason);
      expect(await failure(queue.put(2, { signal }))).toBe(signal.reason);
      expect(await failure(queue.join({ signal }))).toBe(signal.reason);
      expect(await failure(queue.getMany(2, { signal }))).toBe(signal.reason);
      expect(await failure(queue.putMany([2], { signal }))).toBe(signal.reason);
      expect(await failure(queue.put(Promise.resolve() as unknown as number, { signal }))).toBeInstanceOf(
        TypeError,
      );
      expect([queue.size, queue.unfinished]).toEqual([1, 1]);
      queue.shutdown();
      expect(await failure(queue.put(2, { signal }))).toBe(signal.reason);
      expect(await failure(queue.put(2, { timeout: -1 }))).toBeInstanceOf(RangeError);
      expect(await failure(queue.put(Promise.resolve() as unknown as number))).toBeInstanceOf(TypeError);
      expect(await failure(queue.put(2, { timeout: 0 }))).toBeInstanceOf(QueueShutDownError);
      expect(await queue.get({ timeout: 0 })).toBe(1);
      expect(await failure(queue.get({ timeout: 0 }))).toBeInstanceOf(QueueShutDownError);
      expect(await failure(queue.get({ signal }))).toBe(signal.reason);
    });

    test('in a cancelled task nothing is put, nothing taken; what does not wait still works', async () => {
      const queue = make();
      queue.tryPut(1);
      await TaskGroup.run(async (group) => {
        const task = group.spawn(async () => {
          await sleep(1e6).catch(() => {});
          const errors = [
            await failure(queue.get()),
            await failure(queue.put(2)),
            await failure(queue.join()),
            thrown(() => queue.getSync()),
            thrown(() => queue.putSync(2)),
            thrown(() => queue.joinSync()),
          ];
          queue.tryPut(3);
          return errors;
        });
        await turn();
        task.cancel();
        for (const error of await task) expect(error).toHaveProperty('code', CANCELLED);
      });
      expect(drain(queue).sort()).toEqual([1, 3]);
    });
  });

  test('statistics() and waiting count each line', async () => {
    const queue = make({ capacity: 1, name: 'orders' });
    expect(queue.statistics()).toEqual({
      name: 'orders',
      size: 0,
      bytes: 0,
      unfinished: 0,
      getters: 0,
      putters: 0,
      joiners: 0,
      waiting: 0,
    });
    await getters(queue, BLOCKED, 2);
    expect(queue.statistics()).toMatchObject({ getters: 2, waiting: 2 });
    queue.tryPut(1);
    // It counts until it has been taken.
    await until(() => queue.tryPut(2));
    await until(() => queue.size === 0);
    queue.tryPut(3);
    await putters(queue, HERE, [4]);
    await joiners(queue, BLOCKED, 1);
    expect(queue.statistics()).toMatchObject({
      size: 1,
      unfinished: 3,
      getters: 0,
      putters: 1,
      joiners: 1,
      waiting: 2,
    });
    expect(queue.statistics().bytes).toBeGreaterThan(0);
    expect(queue.waiting).toBe(2);
  });
});

describe('Queue', () => {
  eachPair('putters are let in as they came, getters served as they came', async (a, b) => {
    const queue = new Queue<number>({ capacity: 1 });
    queue.tryPut(0);
    const waiting = [
      ...(await putters(queue, a, [1])),
      ...(await putters(queue, b, [2])),
      ...(await putters(queue, a, [3])),
    ];
    expect(await queue.getMany(1)).toEqual([0]);
    await waiting[0]!.outcome;
    expect(queue.statistics().putters).toBe(2);
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([1, 2, 3]);
    await outcomes(waiting);
    const served = [
      ...(await getters(queue, a, 1)),
      ...(await getters(queue, b, 1)),
      ...(await getters(queue, a, 1)),
    ];
    for (const [index, actor] of served.entries()) {
      queue.tryPut(index);
      expect(await outcome(actor)).toBe(index);
      expect(served.slice(index + 1).map(({ rank }) => rank)).toEqual(Array(2 - index).fill(0));
    }
  });

  test('a newcomer does not take what is for a getter that was woken', async () => {
    const queue = new Queue<number>();
    const get = queue.get();
    await turn();
    queue.tryPut(1);
    expect(queue.tryGet()).toBeUndefined();
    expect(await get).toBe(1);
  });

  test('refuses what cannot be sent and what is thenable, at the call, and nothing has changed', async () => {
    const queue = new Queue<unknown>();
    for (const [item, refusal] of [
      [() => queue.size, CaptureError],
      [Symbol('no'), SendError],
      [new WeakMap(), SendError],
    ] as const) {
      expect(await failure(queue.put(item))).toBeInstanceOf(refusal);
      expect(thrown(() => queue.putSync(item))).toBeInstanceOf(refusal);
      expect(thrown(() => queue.tryPut(item))).toBeInstanceOf(refusal);
    }
    for (const item of [Promise.resolve(1), { then: () => {} }, queue.get({ timeout: 1 }).catch(() => {})])
      expect(thrown(() => queue.tryPut(item))).toBeInstanceOf(TypeError);
    await turn();
    expect([queue.size, queue.unfinished]).toEqual([0, 0]);
  });

  each(
    'undefined, null, 0, empty texts, NaN and nested values come out as they went in',
    MODES,
    async (mode) => {
      const items = [
        undefined,
        null,
        0,
        -0,
        '',
        NaN,
        false,
        [1, [2, { a: new Map([[1, new Set(['x'])]]) }]],
        new Date(5),
        10n,
      ];
      const queue = new Queue<unknown>();
      for (const item of items) {
        await queue.put(item);
        expect(await outcome(await stand.start(mode, jobs.wait, queue, 'get', [{}]))).toEqual(item);
      }
    },
  );

  test('a copy is put: later changes are not seen', async () => {
    const queue = new Queue<{ n: number }>();
    const item = { n: 1 };
    const put = queue.put(item);
    item.n = 2;
    await put;
    expect(await queue.get()).toEqual({ n: 1 });
  });

  test('who blocks for what only its own thread could give is told; not with a time-out', () => {
    const queue = new Queue<number>({ capacity: 1 });
    expect(thrown(() => queue.getSync())).toHaveProperty('code', 'ERR_HEDDLE_DEADLOCK');
    queue.putSync(1);
    expect(thrown(() => queue.putSync(2))).toHaveProperty('code', 'ERR_HEDDLE_DEADLOCK');
    expect(thrown(() => queue.joinSync())).toHaveProperty('code', 'ERR_HEDDLE_DEADLOCK');
    expect(thrown(() => queue.putSync(2, { timeout: 1 }))).toHaveProperty('code', TIMEOUT);
    expect(queue.size).toBe(1);
  });
});

describe('PriorityQueue', () => {
  each('gives the lowest priority first, ties in order, whoever put them', MODES, async (mode) => {
    const queue = new PriorityQueue<string>();
    for (const [item, priority] of [
      ['c', 3],
      ['a1', 1],
      ['b', 2.5],
      ['a2', 1],
      ['z', Infinity],
      ['y', -Infinity],
    ] as const)
      await outcome(await stand.start(mode, jobs.wait, queue, 'put', [item, { priority }]));
    queue.tryPut('zero');
    const items: unknown[] = [];
    for (let i = 0; i < 7; i++)
      items.push(await outcome(await stand.start(mode, jobs.wait, queue, 'get', [{}])));
    expect(items).toEqual(['y', 'zero', 'a1', 'a2', 'b', 'c', 'z']);
  });

  test('ties of many items stay in order, also between gets', () => {
    const queue = new PriorityQueue<number>();
    const expected: number[][] = [[], [], []];
    for (let n = 0; n < 90; n++) {
      queue.tryPut(n, { priority: n % 3 });
      expected[n % 3]!.push(n);
    }
    expect(drain(queue)).toEqual(expected.flat());
  });

  test('wrong priorities are refused, in every form', async () => {
    const queue = new PriorityQueue<number>();
    expect(await failure(queue.put(1, { priority: NaN }))).toBeInstanceOf(RangeError);
    expect(thrown(() => queue.putSync(1, { priority: NaN }))).toBeInstanceOf(RangeError);
    expect(thrown(() => queue.tryPut(1, { priority: NaN }))).toBeInstanceOf(RangeError);
    expect(await failure(queue.putMany([1], { priority: NaN }))).toBeInstanceOf(RangeError);
    for (const priority of ['1', null, 1n])
      expect(thrown(() => queue.tryPut(1, { priority: priority as unknown as number }))).toBeInstanceOf(
        TypeError,
      );
    expect(queue.size).toBe(0);
  });

  each('a waiting putter comes in with its priority', MODES, async (mode) => {
    const queue = new PriorityQueue<string>({ capacity: 2 });
    queue.tryPut('later', { priority: 2 });
    queue.tryPut('soon', { priority: 1 });
    const urgent = await stand.start(mode, jobs.wait, queue, 'put', ['urgent', { priority: 0 }]);
    await untilWaiting(queue, 1);
    expect(queue.tryGet()).toEqual({ value: 'soon' });
    await urgent.outcome;
    expect(drain(queue)).toEqual(['urgent', 'later']);
  });
});

describe('LifoQueue', () => {
  each('gives the last first, whoever put them', MODES, async (mode) => {
    const queue = new LifoQueue<number>();
    for (const n of [1, 3, 2]) await outcome(await stand.start(mode, jobs.wait, queue, 'put', [n, {}]));
    expect(drain(queue)).toEqual([2, 3, 1]);
  });
});

/** Nothing but so many getters that wait. */
function isEmptyBut(queue: Queue<unknown>, most: number): void {
  const { size, unfinished, putters: waiting, getters: idle } = queue.statistics();
  expect([size, unfinished, waiting]).toEqual([0, 0, 0]);
  expect(idle).toBeLessThanOrEqual(most);
}

function drainOf(queue: Queue<unknown>, n: number): void {
  for (let i = 0; i < n; i++) expect(queue.tryGet()).toBeDefined();
}
