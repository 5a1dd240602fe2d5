/** Bytes that were damaged on purpose: an error or some value comes out, and all goes on. */
import { afterAll, describe, expect, test } from 'vitest';
import { ItemDecoder, ItemEncoder, serializeWire } from '../../../src/codec/item.ts';
import { Lock, Queue, ThreadPoolExecutor } from '../../../src/index.ts';
import { endCustodian } from '../../../src/memory/custody.ts';
import { ownHeap } from '../../../src/memory/heap.ts';
import { ITEM, ITEM_BYTES, KIND } from '../../../src/memory/layout.ts';
import { payloadOf } from '../../../src/queue/states.ts';
import { seeded } from '../../stress/random.ts';
import { hostileJobs } from './hostile-jobs.ts';

const SEED = Date.now() & 0x7fffffff;

const VALUES: readonly (readonly [name: string, value: unknown])[] = [
  [
    'a simple object',
    { id: 1, name: 'abc', list: [1.5, null, 2n, 'Ω'], when: new Date(5), bytes: Uint8Array.of(1, 2) },
  ],
  [
    'what the runtime serializes',
    [new Map([[1, new Set(['x'])]]), /x/gu, 2n ** 99n, Object(1), new Array(2), 'Ω'.repeat(20)],
  ],
  ['errors', { error: Object.assign(new RangeError('x', { cause: new TypeError('y') }), { code: 1 }) }],
  ['what is standard', [new URL('http://a/b'), new Headers({ a: 'b' }), new URLSearchParams('a=1')]],
];

/** An error or a value; nothing else, and nothing for long. */
function outcomeOf(action: () => unknown): void {
  try {
    const value = action();
    if (value instanceof Promise) value.catch(() => undefined);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
  }
}

describe(`an item with damaged bytes (seed ${SEED})`, () => {
  const refuse = (): never => {
    throw new RangeError('There is none');
  };
  const encoder = new ItemEncoder({
    referenceTo: refuse,
    moduleOfClass: () => undefined,
    shareBuffer: refuse,
  });
  const decoder = new ItemDecoder({
    resolveReference: refuse,
    findClass: () => undefined,
    openParcel: refuse,
    bufferOf: refuse,
  });
  const words = new Int32Array(new SharedArrayBuffer(2 ** 16));
  const bytes = new Uint8Array(words.buffer);

  function write(value: unknown): number {
    bytes.fill(0);
    const prepared = encoder.prepare(value, 'item');
    if (typeof prepared === 'number') {
      encoder.copyTo(words, bytes, 0);
      return prepared;
    }
    const serialized = serializeWire(prepared, [], 'item');
    bytes.set(serialized);
    return Math.ceil(serialized.length / 4);
  }

  test.each(VALUES)('%s: each byte another, each word another, cut short anywhere', (_, value) => {
    const random = seeded(SEED);
    const size = write(value);
    const whole = bytes.slice(0, 4 * size);
    const before = process.memoryUsage.rss();
    for (let at = 0; at < whole.length; at++) {
      for (const other of [0, 0xff, whole[at]! ^ 1, whole[at]! ^ 0x80, random.integer(0, 255)]) {
        bytes[at] = other;
        outcomeOf(() => decoder.decode(words, bytes, 0, size));
        bytes[at] = whole[at]!;
      }
      if (at % 4 !== 0) continue;
      bytes.fill(0xff, at, at + 4);
      outcomeOf(() => decoder.decode(words, bytes, 0, size));
      bytes.set(whole.subarray(at, at + 4), at);
      outcomeOf(() => decoder.decode(words, bytes, 0, at / 4));
    }
    // And all is as it was.
    expect(decoder.decode(words, bytes, 0, size)).toEqual(value);
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 29);
  });

  test('several bytes at once, and nothing but random bytes', () => {
    const random = seeded(SEED + 1);
    const before = process.memoryUsage.rss();
    for (let round = 0; round < 5_000; round++) {
      const [, value] = random.pick(VALUES);
      const size = write(value);
      for (let count = random.integer(1, 10); count > 0; count--)
        bytes[random.integer(0, 4 * size - 1)] = random.integer(0, 255);
      outcomeOf(() => decoder.decode(words, bytes, 0, size));
    }
    for (let round = 0; round < 5_000; round++) {
      for (let at = 0; at < 64; at++) bytes[at] = random.integer(0, 255);
      // Of each form of items, or whatever that is.
      if (round % 2 === 0) words[0] = random.integer(0, 15) | (random.integer(0, 63) << 4);
      outcomeOf(() => decoder.decode(words, bytes, 0, random.integer(0, 16)));
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 29);
    const size = write({ a: 1 });
    expect(decoder.decode(words, bytes, 0, size)).toEqual({ a: 1 });
  });
});

describe('an item in the memory that all threads share', () => {
  const pool = new ThreadPoolExecutor({ threads: 1 });

  afterAll(async () => {
    await pool.shutdown();
    await endCustodian();
  });

  /** Where the only item of the queue lies, and how many bytes it has. */
  function itemOf(queue: Queue<unknown>): readonly [at: number, length: number] {
    const { words, blocks } = ownHeap();
    expect(queue.size).toBe(1);
    for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block))
      if (words[block + KIND] === ITEM) return [4 * payloadOf(block), words[block + ITEM_BYTES]!];
    throw new Error('There is no item');
  }

  test.each<[string, () => unknown]>([
    ['simple', () => ({ a: 1, b: 'text' })],
    ['serialized', () => new Map([[1, 'x']])],
    ['with an error', () => ({ error: new Error('x') })],
    ['with a lock and its like', () => [new Lock(), new Error('x')]],
  ])(
    '%s, each of its bytes damaged: who gets it has an error or a value, and queue and pool go on',
    async (_, make) => {
      using queue = new Queue<unknown>();
      const heap = new Uint8Array(ownHeap().words.buffer);
      queue.putSync(make());
      const [, length] = itemOf(queue);
      queue.clear();
      for (let index = 0; index < length; index++) {
        queue.putSync(make());
        const [at] = itemOf(queue);
        heap[at + index]! ^= 1 << (index % 8);
        outcomeOf(() => queue.getSync());
        expect(queue.size).toBe(0);
      }
      queue.putSync('whole');
      expect(queue.getSync()).toBe('whole');
      expect(await pool.submit(hostileJobs.add, 1, 2)).toBe(3);
    },
  );
});
