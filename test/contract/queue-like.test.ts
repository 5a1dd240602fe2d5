/**
 * The contract of queue-likes, for each of them: over the forms, over where the putter and the getter are, and over
 * mixtures of waiters in one line.
 */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type Queue, TaskGroup, ThreadPoolExecutor } from '../../src/index.ts';
import type { Form } from './lock-like-jobs.ts';
import { QUEUES } from './queue-like.ts';
import { jobs } from './queue-like-jobs.ts';
import { BLOCKED, HOLDERS, type Kind, LOOP, show, WAITERS } from './stage.ts';
import { Tally } from './tally.ts';

const tally = new Tally();
const pool = new ThreadPoolExecutor({ threads: 5 });
/** Whoever need not wait: each form in each place. */
const ALL = HOLDERS;
const SINGLES = WAITERS.map((kind) => [kind] as const);
const PAIRS = WAITERS.flatMap((a) => WAITERS.map((b) => [a, b] as const));
const TRIPLES = PAIRS.flatMap(([a, b]) => WAITERS.map((c) => [a, b, c] as const));

afterAll(async () => {
  await pool.shutdown({ cancelPending: true, cancelRunning: true });
  console.log(`Contract of queue-likes\n${tally}`);
});

interface Asked {
  readonly timeout?: number;
}

function outcomeOf(work: PromiseLike<string>): Promise<string> {
  return Promise.resolve(work).catch((error: { code?: string }) => error.code ?? String(error));
}

function put(queue: Queue<number>, { where, form }: Kind, item: number, asked: Asked = {}): Promise<string> {
  if (where === 'this loop') return outcomeOf(jobs.put(queue, form, item, asked.timeout));
  return outcomeOf(pool.submit(jobs.put, queue, form, item, asked.timeout));
}

function get(queue: Queue<number>, { where, form }: Kind, asked: Asked = {}): Promise<string> {
  if (where === 'this loop') return outcomeOf(jobs.get(queue, form, asked.timeout));
  return outcomeOf(pool.submit(jobs.get, queue, form, asked.timeout));
}

function join(queue: Queue<number>, { where, form }: Kind): Promise<string> {
  if (where === 'this loop') return outcomeOf(jobs.join(queue, form));
  return outcomeOf(pool.submit(jobs.join, queue, form));
}

/** Or until that is over: a wait that ends by itself may have, before this loop looks. */
async function untilWaiting(
  queue: Queue<number>,
  waiting: number,
  over?: PromiseLike<unknown>,
): Promise<void> {
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  void over?.then(end, end);
  while (!isOver && queue.waiting !== waiting) await new Promise((resolve) => setImmediate(resolve));
}

/** A task that does `fn`, and how to cancel it. */
async function cancellable(
  fn: () => Promise<unknown>,
): Promise<{ readonly cancel: () => void; readonly ended: Promise<unknown> }> {
  let tell: (group: TaskGroup) => void;
  const made = new Promise<TaskGroup>((resolve) => {
    tell = resolve;
  });
  const ended = TaskGroup.run((group) => {
    tell(group);
    group.spawn(fn);
  });
  const group = await made;
  return { cancel: () => group.cancel(), ended };
}

/** As a list of parameters. */
type Mutable<C extends readonly Kind[]> = { -readonly [K in keyof C]: C[K] };

describe.each(QUEUES.map((one) => [one.name, one] as const))('%s', (name, implementation) => {
  let queue: Queue<number>;
  afterEach(() => queue[Symbol.dispose]());

  /** One test for each combination, counted under its guarantee. Afterwards nobody waits. */
  function each<C extends readonly Kind[]>(
    guarantee: string,
    capacity: number,
    combinations: readonly C[],
    body: (...kinds: Mutable<C>) => Promise<void>,
  ): void {
    describe(guarantee, () => {
      for (const kinds of combinations)
        test(kinds.map(show).join(', '), async () => {
          queue = implementation.create({ capacity });
          await body(...([...kinds] as Mutable<C>));
          expect(queue.statistics()).toMatchObject({ getters: 0, putters: 0, joiners: 0 });
          tally.add(guarantee, name);
        });
    });
  }

  each(
    'what is put comes out, once, in the order of the class',
    Infinity,
    ALL.flatMap((putter) => ALL.map((getter) => [putter, getter] as const)),
    async (putter, getter) => {
      const items = [1, 2, 3];
      for (const item of items) expect(await put(queue, putter, item)).toBe('put');
      expect([queue.size, queue.unfinished]).toEqual([3, 3]);
      for (const item of implementation.order(items)) expect(await get(queue, getter)).toBe(`got ${item}`);
      expect(queue.tryGet()).toBe(undefined);
      expect([queue.size, queue.unfinished]).toEqual([0, 3]);
    },
  );

  each(
    'a getter that waits gets what is put, and not before',
    Infinity,
    WAITERS.flatMap((getter) => ALL.map((putter) => [getter, putter] as const)),
    async (getter, putter) => {
      const got = get(queue, getter);
      await untilWaiting(queue, 1);
      expect(queue.statistics().getters).toBe(1);
      expect(await put(queue, putter, 7)).toBe('put');
      expect(await got).toBe('got 7');
      expect(queue.size).toBe(0);
    },
  );

  each(
    'a putter that waits is let in when an item is taken, and not before',
    1,
    WAITERS.flatMap((putter) => ALL.map((getter) => [putter, getter] as const)),
    async (putter, getter) => {
      queue.tryPut(1);
      const done = put(queue, putter, 2);
      await untilWaiting(queue, 1);
      expect(queue.statistics()).toMatchObject({ putters: 1, size: 1, unfinished: 1 });
      expect(await get(queue, getter)).toBe('got 1');
      expect(await done).toBe('put');
      expect(await get(queue, getter)).toBe('got 2');
    },
  );

  each('getters are served first come, first served', Infinity, TRIPLES, async (...kinds) => {
    const got: Promise<string>[] = [];
    for (const [index, kind] of kinds.entries()) {
      got.push(get(queue, kind));
      await untilWaiting(queue, index + 1);
    }
    for (const [index, one] of got.entries()) {
      queue.tryPut(index);
      expect(await one).toBe(`got ${index}`);
      expect(queue.statistics().getters).toBe(2 - index);
    }
  });

  each('putters are let in first come, first served', 1, TRIPLES, async (...kinds) => {
    queue.tryPut(0);
    const puts: Promise<string>[] = [];
    for (const [index, kind] of kinds.entries()) {
      puts.push(put(queue, kind, index + 1));
      await untilWaiting(queue, index + 1);
    }
    for (let item = 0; item <= kinds.length; item++) expect(queue.tryGet()).toEqual({ value: item });
    expect(await Promise.all(puts)).toEqual(['put', 'put', 'put']);
  });

  each('a newcomer cannot overtake a getter', Infinity, SINGLES, async (kind) => {
    const got = get(queue, kind);
    await untilWaiting(queue, 1);
    queue.tryPut(1);
    expect(queue.tryGet()).toBe(undefined);
    expect(await got).toBe('got 1');
  });

  each('a newcomer cannot overtake a putter', 1, SINGLES, async (kind) => {
    queue.tryPut(1);
    const done = put(queue, kind, 2);
    await untilWaiting(queue, 1);
    expect(queue.tryGet()).toEqual({ value: 1 });
    expect(queue.tryPut(3)).toBe(false);
    expect(await done).toBe('put');
    expect(queue.tryGet()).toEqual({ value: 2 });
  });

  each('a get that times out leaves no trace: the next is served', Infinity, PAIRS, async (first, second) => {
    const brief = get(queue, first, { timeout: 40 });
    await untilWaiting(queue, 1, brief);
    const patient = get(queue, second);
    expect(await brief).toBe('ERR_HEDDLE_TIMEOUT');
    await untilWaiting(queue, 1);
    queue.tryPut(1);
    expect(await patient).toBe('got 1');
  });

  each('a put that times out leaves no trace: the next is let in', 1, PAIRS, async (first, second) => {
    queue.tryPut(1);
    const brief = put(queue, first, 2, { timeout: 40 });
    await untilWaiting(queue, 1, brief);
    const patient = put(queue, second, 3);
    expect(await brief).toBe('ERR_HEDDLE_TIMEOUT');
    await untilWaiting(queue, 1);
    expect([queue.tryGet(), await patient, queue.tryGet()]).toEqual([{ value: 1 }, 'put', { value: 3 }]);
    expect(queue.unfinished).toBe(2);
  });

  each(
    'a get that was cancelled leaves no trace: the next is served',
    Infinity,
    PAIRS,
    async (first, second) => {
      const { cancel, ended } = await cancellable(() => get(queue, first));
      await untilWaiting(queue, 1);
      const patient = get(queue, second);
      await untilWaiting(queue, 2);
      cancel();
      await ended;
      await untilWaiting(queue, 1);
      queue.tryPut(1);
      expect(await patient).toBe('got 1');
    },
  );

  each('a put that was cancelled leaves no trace: the next is let in', 1, PAIRS, async (first, second) => {
    queue.tryPut(1);
    const { cancel, ended } = await cancellable(() => put(queue, first, 2));
    await untilWaiting(queue, 1);
    const patient = put(queue, second, 3);
    await untilWaiting(queue, 2);
    cancel();
    await ended;
    await untilWaiting(queue, 1);
    expect([queue.tryGet(), await patient, queue.tryGet()]).toEqual([{ value: 1 }, 'put', { value: 3 }]);
  });

  each('a time-out of 0 fails unless it can be done at once', 1, SINGLES, async (kind) => {
    expect(await get(queue, kind, { timeout: 0 })).toBe('ERR_HEDDLE_TIMEOUT');
    expect(await put(queue, kind, 1, { timeout: 0 })).toBe('put');
    expect(await put(queue, kind, 2, { timeout: 0 })).toBe('ERR_HEDDLE_TIMEOUT');
    expect(await get(queue, kind, { timeout: 0 })).toBe('got 1');
    expect(queue.statistics()).toMatchObject({ size: 0, unfinished: 1 });
  });

  each('shutting down refuses who waits and who comes', 1, PAIRS, async (first, second) => {
    queue.tryPut(1);
    const waiting = put(queue, first, 2);
    await untilWaiting(queue, 1);
    queue.shutdown();
    expect(await waiting).toBe('ERR_HEDDLE_QUEUE_SHUT_DOWN');
    expect(await put(queue, second, 3)).toBe('ERR_HEDDLE_QUEUE_SHUT_DOWN');
    expect(await get(queue, second)).toBe('got 1');
    expect(await get(queue, first)).toBe('ERR_HEDDLE_QUEUE_SHUT_DOWN');
    const empty = implementation.create();
    const getter = get(empty, first);
    await untilWaiting(empty, 1);
    empty.shutdown({ immediate: true });
    expect(await getter).toBe('ERR_HEDDLE_QUEUE_SHUT_DOWN');
    expect(await get(empty, second)).toBe('ERR_HEDDLE_QUEUE_SHUT_DOWN');
    empty[Symbol.dispose]();
  });

  each(
    'joiners are let through when all is done, even if a put follows at once',
    Infinity,
    PAIRS,
    async (first, second) => {
      queue.tryPut(1);
      queue.tryGet();
      const joined = [join(queue, first), join(queue, second)];
      await untilWaiting(queue, 2);
      queue.taskDone();
      queue.tryPut(2);
      expect(await Promise.all(joined)).toEqual(['joined', 'joined']);
      expect(queue.unfinished).toBe(1);
    },
  );

  each(
    'this thread may block for what another thread does',
    1,
    [[LOOP], [BLOCKED]] as const,
    async ({ form }) => {
      const putter = pool.submit(jobs.relieve, queue, form, 'get');
      expect(queue.getSync()).toBe(1);
      queue.taskDone();
      await putter;
      queue.tryPut(2);
      const getter = pool.submit(jobs.relieve, queue, form, 'put');
      queue.putSync(3);
      await getter;
      expect(queue.size).toBe(1);
      const joined = implementation.create();
      joined.tryPut(4);
      const worker = pool.submit(jobs.relieve, joined, form, 'done');
      joined.joinSync({ timeout: 10_000 });
      await worker;
      expect(joined.unfinished).toBe(0);
      joined[Symbol.dispose]();
    },
  );

  describe('together', () => {
    const guarantee = 'no item is lost or doubled between forms and threads';
    const mixtures: readonly (readonly [putters: readonly Form[], getters: readonly Form[]])[] = [
      [
        ['async', 'async'],
        ['async', 'async'],
      ],
      [
        ['sync', 'sync'],
        ['sync', 'sync'],
      ],
      [
        ['async', 'sync'],
        ['sync', 'async'],
      ],
      [
        ['sync', 'try'],
        ['async', 'try'],
      ],
      [['async'], ['sync', 'async', 'try']],
    ];
    for (const [putters, getters] of mixtures)
      test(`${guarantee}: ${putters.join(', ')} to ${getters.join(', ')}, and this loop`, async () => {
        queue = implementation.create({ capacity: 3 });
        const each = 150;
        const getting = getters.map((form) => pool.submit(jobs.getAll, queue, form));
        const putting = putters.map((form, n) => pool.submit(jobs.putAll, queue, form, 1 + n * each, each));
        const here = jobs.getAll(queue, 'async');
        await Promise.all(putting);
        await queue.join();
        // One for each who gets, put when nothing else is left.
        for (let n = 0; n <= getters.length; n++) await queue.put(-1);
        const sums = [...(await Promise.all(getting)), await here];
        const count = putters.length * each;
        expect(sums.reduce((all, [, one]) => all + one, 0)).toBe(count);
        expect(sums.reduce((all, [sum]) => all + sum, 0)).toBe((count * (count + 1)) / 2);
        await queue.join();
        expect(queue.statistics()).toMatchObject({ size: 0, bytes: 0, unfinished: 0, waiting: 0 });
        tally.add(guarantee, name);
      });
  });
});
