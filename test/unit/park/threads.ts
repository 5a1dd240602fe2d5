/** Several threads' views of one small region, in one thread: what each does is done in turn. */
import { claimRecord, geometryFor, Heap } from '../../../src/memory/heap.ts';
import { DATA, KIND } from '../../../src/memory/layout.ts';

const WORDS = 2 ** 18;

export function heaps(count: number): Heap[] {
  const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  const geometry = geometryFor(WORDS, 1024);
  return Array.from(
    { length: count },
    (_, index) => new Heap(words, geometry, claimRecord(words, index + 1, 0), 0),
  );
}

/** An object with a line of waiters, of no kind in particular. */
export function makeObject(heap: Heap): number {
  const object = heap.allocate(DATA);
  heap.words[object + KIND] = 99;
  return object;
}
