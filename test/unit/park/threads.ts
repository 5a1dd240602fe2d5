/** Several threads' views of one small region, in one thread: what each does is done in turn. */
import { type BlockedWatch, claimRecord, geometryFor, Heap } from '../../../src/memory/heap.ts';
import { DATA, KIND } from '../../../src/memory/layout.ts';

const WORDS = 2 ** 18;

/** @param watch what they do while they wait to enter a section. */
export function heaps(count: number, watch?: BlockedWatch): Heap[] {
  const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  const geometry = geometryFor(WORDS, 1024);
  return Array.from(
    { length: count },
    (_, index) => new Heap(words, geometry, claimRecord(words, index + 1, 0), 0, watch),
  );
}

/** An object with a line of waiters, of no kind in particular. */
export function makeObject(heap: Heap): number {
  const object = heap.allocate(DATA);
  heap.words[object + KIND] = 99;
  return object;
}
