/** What capture() promises of a function inside a value: its values go with it, whatever they are. */
import { describe, expect, test } from 'vitest';
import { callback, capture, Lock, Queue, registerClass } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { Point } from './jobs.ts';
import { eachPlace } from './stand.ts';

type Scale = (by: number) => number;

describe('a function that captures, inside a value', () => {
  eachPlace((the) => {
    test('has its lock, its object of a class and its callback there', async () => {
      const told: number[] = [];
      const scale = capture(
        { lock: new Lock(), point: new Point(3, 4), tell: callback((n: number) => told.push(n)) },
        ({ lock, point, tell }, by: number) =>
          lock.runSync(() => {
            tell(by);
            return point.length * by;
          }),
      );
      expect(await the().submit(({ fn }: { readonly fn: Scale }) => fn(2), { fn: scale })).toBe(10);
      expect(told).toEqual([2]);
    });

    test('has the function that it captures', async () => {
      const inner = capture({ n: 2 }, ({ n }, by: number) => n * by);
      const outer = capture({ inner }, (values, by: number) => values.inner(by) + 1);
      expect(await the().submit((fns: readonly Scale[]) => fns.map((fn) => fn(5)), [inner, outer])).toEqual([
        10, 11,
      ]);
    });

    test('one that captures itself is refused', async () => {
      const values: { self?: Scale; lock: Lock } = { lock: new Lock() };
      values.self = capture(values, ({ lock }, by: number) => (lock.locked ? by : 0));
      const error = (await failure(
        the().submit((fn: { fn: Scale }) => fn.fn(1), { fn: values.self }),
      )) as Error;
      expect(error).toMatchObject({ name: 'SendError' });
      expect(error.message).toMatch(/captures itself/);
    });
  });

  test('crosses in an item of a queue', () => {
    class Rate {
      readonly factor = 3;
    }
    registerClass(import.meta, Rate);
    const queue = new Queue<readonly Scale[]>();
    queue.tryPut([capture({ rate: new Rate() }, ({ rate }, by: number) => rate.factor * by)]);
    expect(queue.tryGet()!.value[0]!(5)).toBe(15);
    queue[Symbol.dispose]();
  });
});
