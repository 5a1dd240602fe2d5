/** Random values through the codec of items, and some of them through a thread and back: what arrives is equal. */
import fc from 'fast-check';
import { ItemDecoder, ItemEncoder, serializeWire } from '../../src/codec/item.ts';
import { portable } from '../../src/function/portable.ts';
import { ThreadPoolExecutor } from '../../src/index.ts';
import { differences } from '../contract/values/differences.ts';
import { type RandomValue, randomValue } from './random-values.ts';

/** One of so many goes through a thread. */
const THREADED = 100;

export interface ValuesReport {
  readonly values: number;
  readonly shared: number;
  readonly cyclic: number;
  readonly throughThread: number;
  readonly milliseconds: number;
}

/** As a queue does it, without one. */
class Trip {
  readonly #words = new Int32Array(new SharedArrayBuffer(2 ** 22));
  readonly #bytes = new Uint8Array(this.#words.buffer);
  readonly #encoder = new ItemEncoder({
    referenceTo: refuse,
    moduleOfClass: () => undefined,
    shareBuffer: refuse,
  });
  readonly #decoder = new ItemDecoder({
    resolveReference: refuse,
    findClass: () => undefined,
    openParcel: refuse,
    bufferOf: refuse,
  });

  make(value: unknown): unknown {
    const prepared = this.#encoder.prepare(value, 'value');
    let size = prepared as number;
    if (typeof prepared === 'number') this.#encoder.copyTo(this.#words, this.#bytes, 0);
    else {
      const bytes = serializeWire(prepared, [], 'value');
      this.#bytes.set(bytes);
      size = Math.ceil(bytes.length / 4);
    }
    return this.#decoder.decode(this.#words, this.#bytes, 0, size);
  }
}

function refuse(): never {
  throw new Error('There is nothing of that kind in the values');
}

export const echo: (value: readonly unknown[]) => readonly unknown[] = portable(
  import.meta,
  (value: readonly unknown[]): readonly unknown[] => value,
  'echo',
);

/** So many values, or as many as the time allows. @throws Error with what differs, the smallest such value, and its seed. */
export async function randomValues(
  seed: number,
  values: number,
  milliseconds: number = Infinity,
): Promise<ValuesReport> {
  const trip = new Trip();
  const startedAt = performance.now();
  const count = { values: 0, shared: 0, cyclic: 0, throughThread: 0 };
  await using pool = new ThreadPoolExecutor({ threads: 1 });
  const equal = async ({ value, shared, cyclic }: RandomValue): Promise<void> => {
    count.values++;
    if (shared) count.shared++;
    if (cyclic) count.cyclic++;
    check(trip.make(value), value);
    if (count.values % THREADED !== 0) return;
    count.throughThread++;
    // In a list: what has a method `then` would be waited for.
    check((await pool.submit(echo, [value]))[0], value);
  };
  await fc.assert(fc.asyncProperty(randomValue, equal), {
    seed,
    numRuns: values,
    ...(milliseconds < Infinity && { interruptAfterTimeLimit: milliseconds, markInterruptAsFailure: false }),
  });
  return { ...count, milliseconds: Math.round(performance.now() - startedAt) };
}

function check(copy: unknown, value: unknown): void {
  const found = differences(copy, value);
  if (found.length > 0) throw new Error(`What arrived differs: ${found.join('; ')}`);
}
