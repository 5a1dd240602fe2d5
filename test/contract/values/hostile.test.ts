/** Values that do harm, by intent or not: a clear error, and a pool, a queue and a sender that are as they were. */
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { HeddleError, Lock, Queue, SendError, ThreadPoolExecutor, transfer } from '../../../src/index.ts';
import { endCustodian } from '../../../src/memory/custody.ts';
import { usedBlocks } from '../../stress/heap-watch.ts';
import { hostileJobs, nest, revoked, thrower } from './hostile-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 1 });

afterAll(endCustodian);
afterAll(() => pool.shutdown());
afterEach(async () => {
  expect(await pool.submit(hostileJobs.add, 1, 2)).toBe(3);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBe(undefined);
});

async function errorOf(work: PromiseLike<unknown>): Promise<Error> {
  return await work.then(
    () => {
      throw new Error('Nothing was refused');
    },
    (error: unknown) => error as Error,
  );
}

/** There and back. */
async function trip<T>(value: T): Promise<T> {
  return (await pool.submit(hostileJobs.echoList, value))[0] as T;
}

describe('what is refused', () => {
  test.each<[string, unknown, string]>([
    [
      'a class with a function',
      {
        socket: new (class Socket {
          on = () => {};
        })(),
      },
      'args[1].socket: Socket cannot be sent to a thread',
    ],
    ['a WeakMap', { list: [new WeakMap()] }, 'args[1].list[0]: WeakMap cannot be sent to a thread'],
    [
      'a symbol in a Set',
      new Set([1, Symbol('s')]),
      'args[1].values()[1]: Symbol(s) cannot be sent to a thread',
    ],
    [
      'a key of a Map',
      new Map([[new WeakMap(), 1]]),
      'args[1].keys()[0]: WeakMap cannot be sent to a thread',
    ],
    ['a proxy', { a: { proxy: new Proxy({}, {}) } }, 'args[1].a.proxy: Proxy cannot be sent to a thread'],
    [
      'a proxy beside an error',
      [new Error('x'), new Proxy([], {})],
      'args[1][1]: Proxy cannot be sent to a thread',
    ],
    ['a proxy that was revoked', { a: revoked() }, 'args[1].a: Proxy cannot be sent to a thread'],
    [
      'a proxy that throws',
      [new Proxy({}, { getPrototypeOf: thrower, ownKeys: thrower, get: thrower })],
      'args[1][0]: Proxy cannot be sent to a thread',
    ],
    [
      'what only looks like a URL',
      { url: Object.create(URL.prototype) },
      'args[1].url: URL, which is none, cannot be sent to a thread',
    ],
  ])('%s, with its path', async (_, value, message) => {
    const error = await errorOf(pool.submit(hostileJobs.take, 1, value));
    expect(error).toBeInstanceOf(SendError);
    expect(error.message).toContain(message);
  });

  test('a value that an error refers to as well, and could not take along', async () => {
    const socket = { fine: 1, bad: Symbol('s'), after: 2 };
    const error = Object.assign(new Error('x'), { socket });
    expect(await errorOf(pool.submit(hostileJobs.take, error, socket))).toMatchObject({
      message: 'args[1].bad: Symbol(s) cannot be sent to a thread',
    });
    expect((await trip([error, 1]))[0]).toMatchObject({ message: 'x' });
  });

  test('is refused before anything was sent: no buffer is moved, no handle and no memory held', async () => {
    const lock = new Lock();
    const shared = new SharedArrayBuffer(8);
    const attempt = (): Promise<Error> => {
      const moved = new ArrayBuffer(8);
      return errorOf(
        pool.submit(hostileJobs.take, transfer(moved), [lock, shared], { w: new WeakMap() }),
      ).then((error) => {
        expect(moved.byteLength).toBe(8);
        return error;
      });
    };
    await attempt();
    const before = usedBlocks();
    for (let time = 0; time < 20; time++)
      expect(await attempt()).toMatchObject({ name: 'SendError', path: 'args[2].w' });
    expect(usedBlocks()).toEqual(before);
    lock[Symbol.dispose]();
  });

  test('in a queue as well: nothing is in it, and it works', () => {
    using queue = new Queue<unknown>();
    using lock = new Lock();
    expect(() => queue.putSync([lock, new SharedArrayBuffer(8), new WeakMap()])).toThrow('item[2]: WeakMap');
    expect(queue.size).toBe(0);
    queue.putSync(1);
    expect(queue.getSync()).toBe(1);
  });
});

describe('getters', () => {
  test('what one throws comes out, of arguments and results', async () => {
    const value = {
      deep: [
        {
          get broken() {
            return thrower();
          },
        },
      ],
    };
    await expect(pool.submit(hostileJobs.take, value)).rejects.toThrow('thrown by a getter');
    await expect(pool.submit(hostileJobs.take, value, new Error('beside'))).rejects.toThrow(
      'thrown by a getter',
    );
    await expect(pool.submit(hostileJobs.resultWithGetter)).rejects.toThrow('thrown by a getter');
    using queue = new Queue<unknown>();
    expect(() => queue.putSync(value)).toThrow('thrown by a getter');
  });

  test('an error arrives whatever its own do', async () => {
    const error = await errorOf(pool.submit(hostileJobs.throwHostile));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe('');
    expect(await errorOf(pool.submit(hostileJobs.throwProxy))).toBeInstanceOf(Error);
    expect((await errorOf(pool.submit(hostileJobs.giveProxy))).message).toContain('result.list[0]: Proxy');
  });

  test('one that changes the object around it: what comes is what was there at some time', async () => {
    const shrinking = {
      get a() {
        delete (this as { b?: unknown }).b;
        return 1;
      },
      b: 2,
      c: 3,
    };
    expect(await trip(shrinking)).toEqual({ a: 1, c: 3 });
    const growing: Record<string, unknown> = {
      get a() {
        for (let index = 0; index < 100; index++) growing[`k${index}`] = index;
        return 1;
      },
    };
    expect((await trip(growing))['a']).toBe(1);
    const list: unknown[] = [0, 1, 2, 3];
    Object.defineProperty(list, 1, {
      enumerable: true,
      configurable: true,
      get: () => {
        list.length = 2;
        return 'short';
      },
    });
    const copy = await trip(list);
    expect(copy.slice(0, 2)).toEqual([0, 'short']);
    const holed: unknown[] = [0, 1, 2];
    Object.defineProperty(holed, 0, { enumerable: true, configurable: true, get: () => delete holed[1] });
    expect(1 in (await trip(holed))).toBe(false);
  });

  test('one that takes memory away which is being copied: an error or a value', async () => {
    const buffer = new ArrayBuffer(100_000);
    const value = {
      bytes: new Uint8Array(buffer),
      get gone() {
        if (buffer.byteLength > 0) structuredClone(buffer, { transfer: [buffer] });
        return true;
      },
    };
    const outcome = await trip(value).catch((error: unknown) => error);
    expect(outcome instanceof HeddleError || (outcome as typeof value).gone).toBe(true);
  });

  test('one that submits itself', async () => {
    const value = {
      before: 'b',
      get inner() {
        void pool.submit(hostileJobs.take, { x: 'y'.repeat(100) }).result();
        return 'i';
      },
      after: 'a',
    };
    expect(await trip(value)).toEqual({ before: 'b', inner: 'i', after: 'a' });
  });
});

describe('depth', () => {
  test.each([10_000, 1_000_000])('%i levels are refused, by every way', async (depth) => {
    const values = [nest(depth), nest(depth, { error: new Error('x') }), nest(depth, new Blob(['x']))];
    using queue = new Queue<unknown>();
    for (const value of values) {
      const error = await errorOf(pool.submit(hostileJobs.take, value));
      expect(error).toBeInstanceOf(SendError);
      expect(error.message).toBe('args cannot be sent to a thread: it is nested too deeply');
      expect(() => queue.putSync(value)).toThrow(SendError);
    }
    for (const innermost of [1, new Error('x')]) {
      const error = await errorOf(pool.submit(hostileJobs.nested, depth, innermost));
      expect(error).toBeInstanceOf(SendError);
      expect(error.message).toContain('nested too deeply');
    }
  });

  test('a result that the thread can send, and the stack here cannot take, is an error of its job alone', async () => {
    // The stack of a thread is the larger one: some depth between is too much here only.
    for (let depth = 1000; depth < 12_000; depth += 1000) {
      const outcome = await pool.submit(hostileJobs.nested, depth, new SharedArrayBuffer(8)).error();
      if (outcome !== undefined) expect(outcome).toBeInstanceOf(SendError);
    }
  });

  test('errors in errors arrive, as far as they can', async () => {
    let error = new Error('0');
    for (let level = 1; level <= 10_000; level++) error = new Error(String(level), { cause: error });
    expect((await trip([error]))[0]?.message).toBe('10000');
  });

  test('a list of instances with something unsendable at its end is refused at once', async () => {
    class Link {
      readonly next: unknown;
      constructor(next: unknown) {
        this.next = next;
      }
    }
    let list: unknown = Symbol('end');
    for (let length = 0; length < 1000; length++) list = new Link(list);
    expect((await errorOf(pool.submit(hostileJobs.take, list))).message).toContain(
      'args[0]: Link cannot be sent',
    );
  });
});

describe('size', () => {
  test.each<[string, string]>([
    ['8 bits', 'x'],
    ['16 bits', 'Ω'],
  ])(
    'a string of 100 MB in %s',
    async (_, character) => {
      const text = character.repeat(10 ** 8 / (character === 'x' ? 1 : 2));
      expect(await pool.submit(hostileJobs.lengthOf, text)).toBe(text.length);
      expect((await trip({ text, error: new Error('beside') })).text.length).toBe(text.length);
    },
    60_000,
  );

  test('an array of 4,294,967,295 holes', async () => {
    const holes: unknown[] = [];
    holes.length = 2 ** 32 - 1;
    expect((await trip(holes)).length).toBe(2 ** 32 - 1);
    holes[77] = new RangeError('in the middle of nothing');
    const copy = await trip(holes);
    expect(copy[77]).toBeInstanceOf(RangeError);
    expect(Object.keys(copy)).toEqual(['77']);
    holes[4_000_000_000] = new WeakMap();
    expect((await errorOf(pool.submit(hostileJobs.take, holes))).message).toContain(
      'args[0][4000000000]: WeakMap',
    );
    expect(await pool.submit(hostileJobs.take, transfer(holes.slice(0, 70)))).toBe('taken');
  });
});

describe('prototypes', () => {
  const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"prototype":3,"x":4}';

  test.each<[string, () => object]>([
    ['an object', () => JSON.parse(text)],
    ['one that goes as bytes', () => Object.assign(JSON.parse(text), { map: new Map() })],
    ['one beside an error', () => Object.assign(JSON.parse(text), { error: new Error('x') })],
    [
      'the fields of an error',
      () => Object.defineProperties(new Error('x'), Object.getOwnPropertyDescriptors(JSON.parse(text))),
    ],
  ])('are not changed by the keys of %s', async (_, make) => {
    const value = make();
    const copy = await trip({ list: [value], map: new Map([[value, value]]) });
    const [one] = copy.list as [Record<string, unknown>];
    expect(Object.keys(one)).toEqual(Object.keys(value));
    expect(one['polluted']).toBe(undefined);
    expect(Object.getOwnPropertyDescriptor(one, '__proto__')?.value).toEqual({ polluted: 1 });
    expect(Object.getPrototypeOf(one)).toBe(Object.getPrototypeOf(value));
  });

  test('nor by an error that says its class is __proto__', async () => {
    class Liar extends Error {}
    Object.defineProperty(Liar, 'name', { value: '__proto__' });
    expect((await trip([new Liar('x')]))[0]?.message).toBe('x');
    Object.defineProperty(Liar, 'name', { value: 'constructor' });
    expect((await trip([new Liar('y')]))[0]?.message).toBe('y');
  });
});

describe('liars', () => {
  test('toJSON and then are keys like others', async () => {
    const copy = await trip({ toJSON: 'no function', then: 1 });
    expect(copy).toEqual({ toJSON: 'no function', then: 1 });
    expect(await pool.submit(hostileJobs.echo, { then: [1] })).toEqual({ then: [1] });
  });

  test('a Map, Set and array of another realm keep the classes of errors in them', async () => {
    const [map, set, list] = runInNewContext('[new Map(), new Set(), []]') as [
      Map<unknown, unknown>,
      Set<unknown>,
      unknown[],
    ];
    map.set(new RangeError('k'), new RangeError('v'));
    set.add(new RangeError('s'));
    list.push(new RangeError('l'));
    const copy = await trip([map, set, list] as const);
    for (const one of [...copy[0].keys(), ...copy[0].values(), ...copy[1], ...copy[2]])
      expect(one).toBeInstanceOf(RangeError);
    map.set('handle', new WeakMap());
    expect((await errorOf(pool.submit(hostileJobs.take, map))).message).toContain(
      'args[0].get("handle"): WeakMap',
    );
  });

  test('an instance that says what it is keeps the lock in it', async () => {
    using lock = new Lock();
    const value = new (class {
      readonly lock = lock;
      get [Symbol.toStringTag]() {
        return 'Map';
      }
    })();
    const copy = await trip(value);
    expect(copy.lock).toBeInstanceOf(Lock);
    copy.lock[Symbol.dispose]();
  });

  test('an iterator that never ends is not asked', async () => {
    class Endless extends Array<unknown> {
      override *[Symbol.iterator](): ArrayIterator<unknown> {
        for (;;) yield new Error('again');
      }
    }
    expect(await trip([Endless.from([1]), new Error('x')] as unknown[])).toMatchObject([
      [1],
      { message: 'x' },
    ]);
  });
});
