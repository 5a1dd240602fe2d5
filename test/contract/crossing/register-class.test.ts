/** What registerClass() promises. */
import { describe, expect, test } from 'vitest';
import { Queue, registerClass, SendError, ThreadPoolExecutor } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { jobs, makeQuotaError, Point, Secret } from './jobs.ts';
import { eachPlace } from './stand.ts';

describe('registerClass()', () => {
  eachPlace((the) => {
    test('an argument arrives as an object of its class, by its fields', async () => {
      expect(await the().submit(jobs.lengthOf, new Point(3, 4))).toBe(5);
    });

    test('so does a result, with its methods and getters', async () => {
      const scaled = await the().submit(jobs.scaled, new Point(3, 4), 2);
      expect(scaled).toBeInstanceOf(Point);
      expect(scaled.length).toBe(10);
    });

    test('cycles through it come out as they went in', async () => {
      const point = new Point(1, 2);
      point.next = point;
      expect(await the().submit(jobs.isPoint, point)).toBe(true);
      const back = await the().submit(jobs.loop);
      expect(back.next).toBe(back);
    });

    test('by a codec also what is private', async () => {
      expect(await the().submit(jobs.reveal, new Secret('x'))).toBe('x');
      const { secrets } = await the().submit(jobs.hide, 'y');
      expect(secrets.map((secret) => secret.reveal())).toEqual(['y', 'y!']);
    });

    test('an error of a class that its module does not export keeps its class', async () => {
      const error = (await failure(the().submit(jobs.overdraw, 3))) as Error;
      expect(error).toMatchObject({ name: 'QuotaError', left: 3 });
      expect(error.constructor).toBe(makeQuotaError(1).constructor);
      expect(await the().submit(jobs.isQuotaError, makeQuotaError(7))).toBe(true);
    });

    test('the class itself can be sent', async () => {
      expect(await the().submit(jobs.makePointBy, Point)).toBe(5);
    });
  });

  test('it crosses inside maps and arrays, and in items of a queue', async () => {
    const queue = new Queue<ReadonlyMap<string, Point[]>>();
    const point = new Point(1, 2);
    queue.tryPut(new Map([['points', [point, point]]]));
    const [one, other] = queue.tryGet()!.value.get('points')!;
    expect(one).toBeInstanceOf(Point);
    expect(one).toBe(other);
    queue[Symbol.dispose]();
  });

  test('a thread that has never met the module loads it', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const type = await pool.submit((point: object) => point.constructor.name, new Point(1, 2));
    expect(type).toBe('Point');
  });

  test('objects of a class that extends it go as plain objects do', async () => {
    class Point3 extends Point {
      readonly z = 3;
    }
    const queue = new Queue<Point3>();
    queue.tryPut(new Point3(1, 2));
    expect(Object.getPrototypeOf(queue.tryGet()!.value)).toBe(Object.prototype);
    queue[Symbol.dispose]();
  });

  test('what cannot be sent is refused with its path', async () => {
    const point = new Point(1, 2);
    Object.assign(point, { socket: new WeakMap() });
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const error = (await failure(pool.submit(jobs.lengthOf, point))) as Error;
    expect(error).toBeInstanceOf(SendError);
    expect(error.message).toBe('args[0].socket: WeakMap cannot be sent to a thread');
  });

  test('an encode that throws refuses the call, and says why', async () => {
    class Torn {}
    registerClass(import.meta, Torn, {
      encode: () => {
        throw new Error('torn apart');
      },
      decode: () => new Torn(),
    });
    const queue = new Queue<object>();
    expect(() => queue.tryPut({ torn: new Torn() })).toThrow(
      'item.torn: Torn cannot be sent to a thread: torn apart',
    );
    queue[Symbol.dispose]();
  });

  test('an object that is inside of what its own codec makes of it is refused', () => {
    class Knot {}
    registerClass(import.meta, Knot, { encode: (knot: Knot) => [knot], decode: () => new Knot() });
    const queue = new Queue<Knot>();
    expect(() => queue.tryPut(new Knot())).toThrow(SendError);
    queue[Symbol.dispose]();
  });
});

describe('registerClass() refuses', () => {
  test.each([
    ['what is no class', () => registerClass(import.meta, (() => {}) as never), /class must be a class/],
    [
      'a class with private fields and no codec',
      () =>
        registerClass(
          import.meta,
          class Vault {
            #key = 1;
            key(): number {
              return this.#key;
            }
          },
        ),
      /its field #key is private; give a codec/,
    ],
    [
      'a class that extends one of the runtime and no codec',
      () => registerClass(import.meta, class Table extends Map {}),
      /it extends Map, which is more than its fields/,
    ],
    [
      'a codec without decode',
      () => registerClass(import.meta, class C {}, { encode: () => 1 } as never),
      /codec.decode must be a function/,
    ],
    ['a class without a name', () => registerClass(import.meta, [class {}][0]!), /it has no name/],
    [
      'another class of that name',
      () =>
        registerClass(
          import.meta,
          [
            class {
              a = 1;
            },
          ][0]!,
          undefined,
          'Twice',
        ) &&
        registerClass(
          import.meta,
          [
            class {
              b = 2;
            },
          ][0]!,
          undefined,
          'Twice',
        ),
      /another function of .* is registered by that name/,
    ],
  ])('%s', (_, register, message) => {
    expect(register).toThrow(TypeError);
    expect(register).toThrow(message);
  });
});
