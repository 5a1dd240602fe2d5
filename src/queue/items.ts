/** Values as items in shared memory: made by who puts, opened by who gets. */
import { bufferOf, releaseBuffer, shareBuffer } from '../codec/buffer-ids.ts';
import { handleIn, ItemDecoder, ItemEncoder, serializeWire } from '../codec/item.ts';
import { functionHooks } from '../codec/item-hooks.ts';
import { releaseWire } from '../codec/wire.ts';
import { HeddleError } from '../core/errors.ts';
import type { Heap } from '../memory/heap.ts';
import { ITEM_BYTES, ITEM_HIGH, ITEM_LOW, OBJECT_ID } from '../memory/layout.ts';
import type { Parking } from '../park/parking.ts';
import { dropItem, makeItem, unpackParcels } from './item-block.ts';
import type { Copy } from './look.ts';
import { payloadOf } from './states.ts';

const double: Float64Array = new Float64Array(1);
const halves: Int32Array = new Int32Array(double.buffer);

/** What makes and opens the items of this thread. */
export class Items {
  readonly #parking: Parking;
  readonly #heap: Heap;
  readonly #bytes: Uint8Array;
  readonly #encoder: ItemEncoder;
  readonly #decoder: ItemDecoder;
  /** Gives the shared object with that index in the item that is being opened. */
  #open: (type: number, index: number) => unknown = () => undefined;

  constructor(parking: Parking) {
    this.#parking = parking;
    this.#heap = parking.heap;
    this.#bytes = new Uint8Array(this.#heap.words.buffer);
    const functions = functionHooks();
    this.#encoder = new ItemEncoder({ ...functions, shareBuffer });
    this.#decoder = new ItemDecoder({
      ...functions,
      bufferOf,
      openParcel: (type, index) => this.#open(type, index),
    });
  }

  /**
   * An item of the queue `object`, which this thread has in hand.
   *
   * @throws SendError, CaptureError for what cannot be sent; HeddleError if the shared memory is full.
   */
  make(object: number, value: unknown, priority: number): number {
    const prepared = this.#encoder.prepare(value, 'item');
    if (typeof prepared === 'number') {
      const item = this.#begin(object, 4 * prepared, priority);
      this.#encoder.copyTo(this.#heap.words, this.#bytes, payloadOf(item));
      return item;
    }
    let item = 0;
    try {
      const handles = prepared.handles?.length ?? 0;
      const indices = Array.from({ length: handles }, (_, index) => index);
      const bytes = serializeWire(prepared, indices, 'item');
      item = this.#begin(object, bytes.length, priority);
      this.#bytes.set(bytes, 4 * payloadOf(item));
      for (const special of prepared.specials ?? [])
        if (special.kind === 'handle') this.#parking.handles.packInto(item, special.object);
      return item;
    } catch (error) {
      if (item !== 0) dropItem(this.#heap, item);
      else
        for (const special of prepared.specials ?? [])
          if (special.kind === 'buffer') releaseBuffer(special.id);
      throw error;
    } finally {
      releaseWire(prepared);
    }
  }

  /** What is in an item that this thread has taken, which is freed. A promise while a module must be loaded, unless `sync`. */
  open(item: number, sync: boolean): unknown {
    try {
      const objects = unpackParcels(this.#parking, item);
      this.#open = (type, index) => handleIn(objects, type, index);
      return this.#decode(item, sync);
    } finally {
      dropItem(this.#heap, item);
    }
  }

  /**
   * What is in an item that stays where it is: in a copy of its words, taken while it could not go. `undefined` if an
   * object in it has been freed since.
   */
  look({ words: copy, inside }: Copy): { value: unknown } | undefined {
    const { handles } = this.#parking;
    const opened: number[] = [];
    for (let at = 0; at < inside.length; at += 2) {
      const object = inside[at]!;
      if (!handles.open(object, OBJECT_ID, inside[at + 1]!)) {
        for (const one of opened) handles.drop(one);
        return undefined;
      }
      opened.push(object);
    }
    this.#open = (type, index) => handleIn(opened, type, index);
    const bytes = new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength);
    return { value: this.#decoder.decode(copy, bytes, 0, copy.length, { sync: true }) };
  }

  #begin(object: number, bytes: number, priority: number): number {
    const { words } = this.#heap;
    const item = makeItem(this.#heap, object, bytes);
    if (item === undefined) throw full(this.#heap);
    double[0] = priority + 0;
    // The order of doubles is that of their bits as integers, but for negative ones, where it is the other way round.
    const high = halves[1]!;
    const low = halves[0]!;
    words[item + ITEM_HIGH] = high < 0 ? high ^ 0x7fffffff : high;
    words[item + ITEM_LOW] = (high < 0 ? ~low : low) ^ 0x80000000;
    return item;
  }

  #decode(item: number, sync: boolean): unknown {
    const { words } = this.#heap;
    const available = (words[item + ITEM_BYTES]! + 3) >> 2;
    return this.#decoder.decode(words, this.#bytes, payloadOf(item), available, sync ? SYNC : undefined);
  }
}

const SYNC = { sync: true } as const;

const all = new WeakMap<Parking, Items>();

/** The items of the thread that parks so. */
export function itemsOf(parking: Parking): Items {
  let items = all.get(parking);
  if (items === undefined) {
    items = new Items(parking);
    all.set(parking, items);
  }
  return items;
}

function full(heap: Heap): HeddleError {
  const size = Math.round(heap.words.byteLength / 2 ** 20);
  return new HeddleError(
    `Cannot put an item: the shared memory of this process (${size} MiB) is full; bound the queue by capacity or maxBytes`,
  );
}
