import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test } from 'vitest';
import { InvalidStateError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { fromToken, shared, type Token, toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown, untilWaiting } from '../../fixtures/awaiting.ts';
import { census } from '../../fixtures/census.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { lockJobs } from '../../fixtures/lock-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

let names = 0;
/** A name that no other test has used. */
const newName = (): string => `tokens.test.ts/${names++}`;

/** Holds the lock until a Worker of the user's own waits for it too. */
async function contend(lock: Lock, workerData: object): Promise<unknown> {
  const guard = lock.acquireSync();
  const worker = new Worker(new URL('../../fixtures/token-worker.ts', import.meta.url), {
    workerData,
    execArgv: ['--conditions=heddle-source'],
  });
  const ended = once(worker, 'exit');
  const told = once(worker, 'message');
  await Promise.race([untilWaiting(lock, 1), ended]);
  guard.release();
  const [message] = await told;
  await ended;
  return message;
}

describe('toToken() and fromToken()', () => {
  test('carry a lock as plain data', () => {
    const lock = new Lock({ name: 'cache' });
    const token = structuredClone(toToken(lock));
    const same = fromToken<Lock>(token);
    expect(same).toBeInstanceOf(Lock);
    expect(same.name).toBe('cache');
    const guard = lock.acquireSync();
    expect(same.locked).toBe(true);
    guard.release();
    expect(same.locked).toBe(false);
  });

  test('carry the state that the lock has', () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const same = fromToken<Lock>(toToken(lock));
    expect(same.tryAcquire()).toBeUndefined();
    guard.release();
    same.acquireSync().release();
  });

  test('give the same token for the same lock, whichever handle is asked', () => {
    const lock = new Lock();
    const token = toToken(lock);
    expect(toToken(lock)).toEqual(token);
    expect(toToken(fromToken(token))).toEqual(token);
    expect(toToken(new Lock())).not.toEqual(token);
  });

  test('carry a lock to threads of heddle', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    expect(await pool.submit(lockJobs.canBeHadByToken, toToken(lock))).toBe(false);
    guard.release();
    expect(await pool.submit(lockJobs.canBeHadByToken, toToken(lock))).toBe(true);
  });

  test("carry a lock to a Worker of the user's own", async () => {
    const lock = new Lock({ name: 'mine' });
    expect(await contend(lock, { token: toToken(lock) })).toBe('mine');
    expect(lock.statistics()).toEqual({ name: 'mine', locked: false, waiting: 0 });
  });

  test('a token holds nothing: once the object was freed it is refused', () => {
    const lock = new Lock();
    const token = toToken(lock);
    lock[Symbol.dispose]();
    expect(thrown(() => fromToken(token))).toBeInstanceOf(InvalidStateError);
  });

  test('a token that was refused leaves nothing behind', () => {
    const lock = new Lock();
    const token = toToken(lock);
    lock[Symbol.dispose]();
    const before = census();
    expect(thrown(() => fromToken(token))).toBeInstanceOf(InvalidStateError);
    expect(census()).toEqual(before);
  });

  test('refuse what is no token: TypeError', () => {
    const token = toToken(new Lock());
    const garbage: unknown[] = [
      undefined,
      null,
      5,
      'token',
      {},
      { heddle: 1 },
      { ...token, region: undefined },
      { ...token, region: new ArrayBuffer(64) },
      { ...token, heddle: undefined },
      { ...token, kind: undefined },
      { ...token, kind: 15 },
    ];
    for (const one of garbage)
      expect(
        thrown(() => fromToken(one)),
        JSON.stringify(one),
      ).toBeInstanceOf(TypeError);
  });

  test('refuse a token of another version, and say so', () => {
    const token = toToken(new Lock());
    const error = thrown(() => fromToken({ ...token, heddle: token.heddle + 1 }));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain('another version of heddle');
  });

  test('refuse a token of another region, as of another process: InvalidStateError', () => {
    const token: Token = toToken(new Lock());
    const region = new SharedArrayBuffer(1024);
    new Int32Array(region).fill(7);
    expect(thrown(() => fromToken({ ...token, region }))).toBeInstanceOf(InvalidStateError);
  });

  test.each([
    ['object', 2 ** 40],
    ['object', -5],
    ['object', 1.5],
    ['object', 'x'],
    ['object', 3],
    ['id', 'x'],
  ])('refuse a token whose %s is %s', (field, value) => {
    const error = thrown(() => fromToken({ ...toToken(new Lock()), [field]: value })) as Error;
    expect(
      [TypeError, InvalidStateError].some((type) => error instanceof type),
      String(error),
    ).toBe(true);
  });

  test('refuse the token of a freed object, though another one has its memory now', () => {
    const lock = new Lock({ name: 'first' });
    const token = toToken(lock);
    lock[Symbol.dispose]();
    lockAt(token.object);
    expect(thrown(() => fromToken(token))).toBeInstanceOf(InvalidStateError);
  });

  test('refuse, in a thread that holds nothing there, the token of a freed object whose memory another has now', async () => {
    const lock = new Lock({ name: 'first' });
    const token = toToken(lock);
    lock[Symbol.dispose]();
    const other = lockAt(token.object);
    expect(await failure(pool.submit(lockJobs.canBeHadByToken, token))).toBeInstanceOf(InvalidStateError);
    expect(await pool.submit(lockJobs.canBeHadByToken, toToken(other))).toBe(true);
  });

  test('refuse what is no shared object: TypeError', () => {
    for (const value of [undefined, null, 1, 'lock', {}, [], () => {}, Promise.resolve()] as never[])
      expect(thrown(() => toToken(value))).toBeInstanceOf(TypeError);
  });
});

describe('shared()', () => {
  test('gives the same object for the same name, made once', () => {
    const name = newName();
    let made = 0;
    const create = (): Lock => {
      made++;
      return new Lock({ name: 'by name' });
    };
    const first = shared(name, create);
    const second = shared(name, create);
    expect(made).toBe(1);
    expect(second.name).toBe('by name');
    const guard = first.acquireSync();
    expect(second.locked).toBe(true);
    guard.release();
    const other = shared(newName(), create);
    expect(made).toBe(2);
    expect(areSame(first, other)).toBe(false);
  });

  test('gives the same object in every thread', async () => {
    const name = newName();
    const lock = shared(name, () => new Lock());
    const guard = lock.acquireSync();
    expect(await pool.submit(lockJobs.canBeHadByName, name)).toBe(false);
    guard.release();
    expect(await pool.submit(lockJobs.canBeHadByName, name)).toBe(true);
  });

  test('gives what another thread has made', async () => {
    const name = newName();
    const flag = sharedFlag();
    const keeper = pool.submit(lockJobs.keepByName, name, flag);
    await raised(flag, 1);
    const lock = shared(name, () => {
      throw new Error('it is there already');
    });
    expect(lock).toBeInstanceOf(Lock);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    await keeper;
  });

  test("gives the same object in a Worker of the user's own", async () => {
    const name = newName();
    const lock = shared(name, () => new Lock({ name: 'found' }));
    expect(await contend(lock, { name })).toBe('found');
  });

  test('makes it anew when nobody has a handle any more', () => {
    const name = newName();
    const { locks } = census();
    const first = shared(name, () => new Lock({ name: 'first' }));
    const second = shared(name, () => new Lock({ name: 'second' }));
    first[Symbol.dispose]();
    expect(second.name).toBe('first');
    second[Symbol.dispose]();
    expect(census().locks).toBe(locks);
    const third = shared(name, () => new Lock({ name: 'third' }));
    expect(third.name).toBe('third');
    expect(third.locked).toBe(false);
  });

  test('refuses an object that is not new: TypeError, and the first name keeps it', () => {
    const lock = shared('tokens.test.ts/known/1', () => new Lock());
    expect.soft(thrown(() => shared('tokens.test.ts/known/2', () => lock))).toBeInstanceOf(TypeError);
    const again = shared('tokens.test.ts/known/1', () => new Lock({ name: 'made anew' }));
    expect(again.name).toBeUndefined();
  });

  test('makes the object anew, though another one has the memory of the first now', () => {
    const first = shared('tokens.test.ts/known/3', () => new Lock({ name: 'first' }));
    const { object } = toToken(first);
    first[Symbol.dispose]();
    const other = lockAt(object);
    const second = shared('tokens.test.ts/known/3', () => new Lock({ name: 'second' }));
    expect(second.name).toBe('second');
    other.acquireSync().keep();
    expect(second.locked).toBe(false);
  });

  test('disposes its own when another one was faster', () => {
    const name = newName();
    const { locks } = census();
    let winner: Lock | undefined;
    let loser: Lock | undefined;
    const found = shared(name, () => {
      winner = shared(name, () => new Lock({ name: 'winner' }));
      loser = new Lock({ name: 'loser' });
      return loser;
    });
    expect(found.name).toBe('winner');
    expect(areSame(found, winner!)).toBe(true);
    expect(thrown(() => loser!.tryAcquire())).toBeInstanceOf(InvalidStateError);
    expect(census().locks).toBe(locks + 1);
  });

  test('gives the error of create() on, and the next call makes the object', () => {
    const name = newName();
    const broken = new Error('broken');
    const fail = (): never => {
      throw broken;
    };
    expect(thrown(() => shared(name, fail))).toBe(broken);
    expect(shared(name, () => new Lock()).locked).toBe(false);
  });

  test('refuses wrong arguments: TypeError', () => {
    for (const name of ['', 1, undefined, null] as never[])
      expect(thrown(() => shared(name, () => new Lock()))).toBeInstanceOf(TypeError);
    expect(thrown(() => shared(newName(), undefined as never))).toBeInstanceOf(TypeError);
    for (const made of [undefined, {}, Promise.resolve(new Lock())] as never[])
      expect(thrown(() => shared(newName(), () => made))).toBeInstanceOf(TypeError);
  });

  test('tells names apart that differ in any letter, and takes those of any script', () => {
    const a = shared(`${newName()}/ä🔒`, () => new Lock({ name: 'a' }));
    const names = [newName(), newName()].map((one) => `${one}/ä🔓`);
    const b = shared(names[0]!, () => new Lock({ name: 'b' }));
    expect([a.name, b.name]).toEqual(['a', 'b']);
    expect(shared(names[0]!, () => new Lock()).name).toBe('b');
  });
});

function areSame(a: Lock, b: Lock): boolean {
  const guard = a.acquireSync();
  const same = b.locked;
  guard.release();
  return same;
}

/** A lock in the memory that begins there, which is free. */
function lockAt(object: number): Lock {
  for (let tries = 0; tries < 1000; tries++) {
    const lock = new Lock({ name: 'other' });
    if (toToken(lock).object === object) return lock;
  }
  throw new Error('the memory was not used again');
}

test('a token may be the whole workerData of a Worker that a user starts', async () => {
  const lock = new Lock({ name: 'whole' });
  const code = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { fromToken, isMainThread } from ${JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href)};
    parentPort.postMessage([isMainThread, fromToken(workerData).name]);
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData: toToken(lock),
  });
  const [answer] = (await once(worker, 'message')) as [unknown];
  expect(answer).toEqual([true, 'whole']);
  await once(worker, 'exit');
});
