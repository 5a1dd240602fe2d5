/** Whatever structured clone takes crosses by every way, equal to its clone; what it refuses is refused, with the path. */
import { afterAll, describe, expect, test } from 'vitest';
import {
  capture,
  EventLoopThread,
  type Executor,
  Future,
  InlineExecutor,
  Queue,
  SendError,
  ThreadPoolExecutor,
} from '../../../src/index.ts';
import { endCustodian } from '../../../src/memory/custody.ts';
import { REFUSED, type Row, TAKEN } from './battery.ts';
import { check, FORMS, make, storage, valueJobs } from './jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 1 });
const elsewhere = new ThreadPoolExecutor({ threads: 1 });
const loop = await EventLoopThread.start();
const inline = new InlineExecutor({ strict: true });

// The last first: the custodian has the buffers of all.
afterAll(endCustodian);
afterAll(async () => {
  await Promise.all([pool.shutdown(), elsewhere.shutdown(), loop.stop(), inline.shutdown()]);
});

/** Sends a value by one way, and says how the copy differs. Rejects if it is refused. */
interface Way {
  readonly name: string;
  /** What cannot become bytes is refused: there is no receiver yet to whom a message could go. */
  readonly bytes?: boolean;
  readonly send: (row: Row, form: number) => Promise<string[]>;
}

const argument = (executor: Executor) => (row: Row, form: number) =>
  executor.submit(valueJobs.check, make(row.name, form), row.name, form);
const result =
  (executor: Executor) =>
  async ({ name }: Row, form: number): Promise<string[]> =>
    check(await executor.submit(valueJobs.give, name, form), name, form);

async function reasonOf(work: PromiseLike<unknown>): Promise<unknown> {
  return await work.then(
    () => {
      throw new Error('Nothing was thrown');
    },
    (reason: unknown) => reason,
  );
}

/** What was thrown is never refused, for its owner must hear of it: something is said of it instead. */
async function thrown(work: PromiseLike<unknown>): Promise<unknown> {
  const reason = await reasonOf(work);
  if (reason instanceof SendError) throw reason;
  return reason;
}

const WAYS: readonly Way[] = [
  { name: 'an argument of a pool', send: argument(pool) },
  { name: 'a result of a pool', send: result(pool) },
  { name: 'an argument of a loop thread', send: argument(loop) },
  { name: 'a result of a loop thread', send: result(loop) },
  { name: 'an argument inline, by the rules of threads', send: argument(inline) },
  { name: 'a result inline', send: result(inline) },
  {
    name: 'a reason of a rejection',
    bytes: true,
    send: async ({ name }, form) =>
      check(await thrown(pool.submit(valueJobs.throwIt, name, form)), name, form),
  },
  {
    name: 'an item of map()',
    send: async ({ name }, form) => {
      const found = [];
      for await (const one of pool.map(valueJobs.check, [make(name, form)], { args: [name, form] }))
        found.push(...one);
      return found;
    },
  },
  {
    name: 'a result of map()',
    send: async ({ name }, form) => {
      const found = [];
      for await (const one of pool.map(valueJobs.give, [name], { args: [form] }))
        found.push(...check(one, name, form));
      return found;
    },
  },
  {
    name: 'an item of a queue',
    bytes: true,
    send: async ({ name }, form) => {
      using queue = new Queue<unknown>();
      queue.putSync(make(name, form));
      const here = check(queue.peek()?.value, name, form);
      return [...here, ...(await pool.submit(valueJobs.checkGot, queue, name, form))];
    },
  },
  {
    name: 'an item of a queue, from a thread',
    bytes: true,
    send: async ({ name }, form) => {
      using queue = new Queue<unknown>();
      await pool.submit(valueJobs.putMade, queue, name, form);
      return check(queue.getSync(), name, form);
    },
  },
  {
    name: 'the outcome of a future that travelled',
    bytes: true,
    send: async ({ name }, form) => {
      const { future, resolve, reject } = Future.withResolvers<unknown>();
      const checked = pool.submit(valueJobs.checkSettled, { future }, name, form);
      try {
        resolve(make(name, form));
      } catch (error) {
        reject(error);
      }
      return await checked;
    },
  },
  {
    name: 'what a thread resolves a future with',
    bytes: true,
    send: async ({ name }, form) => {
      const { future, resolve } = Future.withResolvers<unknown>();
      await pool.submit(valueJobs.resolveMade, { resolve }, name, form);
      return check(await future, name, form);
    },
  },
  {
    name: 'what a function captures',
    send: async ({ name }, form) => {
      const captured = { value: make(name, form), check: valueJobs.check };
      return await pool.submit(
        capture(captured, ({ value, check }, name: string, form: number) => check(value, name, form)),
        name,
        form,
      );
    },
  },
  {
    name: 'the context of a job',
    send: ({ name }, form) =>
      storage.run(make(name, form), () =>
        pool.with({ context: [storage] }).submit(valueJobs.checkStored, name, form),
      ),
  },
  {
    name: 'between two threads neither of which started the other',
    bytes: true,
    send: ({ name }, form) => elsewhere.submit(valueJobs.thereAndBack, pool, name, form),
  },
];

/** What went wrong with each row, by its name; nothing as a rule. */
async function faults(
  rows: readonly Row[],
  faultOf: (row: Row, form: number) => Promise<string[]>,
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const row of rows)
    for (const form of FORMS.keys()) {
      const faulty = await faultOf(row, form).catch((error: unknown) => [String(error)]);
      if (faulty.length > 0) found[`${row.name}, form ${form}`] = faulty;
    }
  return found;
}

describe.each(WAYS)('$name', ({ bytes = false, send }) => {
  const crossing = bytes ? TAKEN.filter((row) => row.byMessage !== true) : TAKEN;
  const refused = bytes ? [...REFUSED, ...TAKEN.filter((row) => row.byMessage === true)] : REFUSED;

  test(`is equal to its structured clone, in all of ${crossing.length} rows`, async () => {
    expect(await faults(crossing, send)).toEqual({});
  }, 60_000);

  test(`is refused where structured clone refuses, in all of ${refused.length} rows`, async () => {
    const notRefused = async (row: Row, form: number): Promise<string[]> => {
      const reason = await reasonOf(send(row, form));
      return reason instanceof SendError ? [] : [String(reason)];
    };
    expect(await faults(refused, notRefused)).toEqual({});
  });
});
