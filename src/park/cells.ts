/** The cells of one thread: made when they are first needed, and used again. */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  CANCELLED,
  CELL,
  CELL_ASYNC,
  CELL_NEWS,
  CELL_STATE,
  CELL_WORDS,
  KIND,
  NODE,
  NODE_CELL,
  OBJECT,
  WAITING,
} from '../memory/layout.ts';

/** So many cells are kept for the next waits; the others go back to the heap. */
const MOST_KEPT = 256;

export class Cells {
  readonly #heap: Heap;
  readonly #kept: number[] = [];

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** A cell that waits; it is a node too, of itself. */
  take({ async }: { async: boolean }): number {
    const { words } = this.#heap;
    const cell = this.#kept.pop() ?? this.#heap.allocate(CELL_WORDS);
    words[cell + OBJECT] = 0;
    words[cell + NODE_CELL] = cell;
    words[cell + CELL_ASYNC] = async ? 1 : 0;
    words[cell + CELL_NEWS] = 0;
    words[cell + KIND] = CELL;
    Atomics.store(words, cell + CELL_STATE, WAITING);
    return cell;
  }

  /** A further node of a cell, to stand in another list. */
  takeNode(cell: number): number {
    const { words } = this.#heap;
    const node = this.#heap.allocate(CELL_WORDS);
    words[node + NODE_CELL] = cell;
    Atomics.store(words, node + KIND, NODE);
    return node;
  }

  /** Gives up the wait. False if the cell has been set: what it was given must be taken, or passed on. */
  cancel(cell: number): boolean {
    return Atomics.compareExchange(this.#heap.words, cell + CELL_STATE, WAITING, CANCELLED) === WAITING;
  }

  /** The node by which the cell was set; 0 while it waits. */
  setBy(cell: number): number {
    const state = Atomics.load(this.#heap.words, cell + CELL_STATE);
    return state === WAITING || state === CANCELLED ? 0 : state;
  }

  /** The cell is out of use: nobody can look at it any more. */
  free(cell: number): void {
    Atomics.store(this.#heap.words, cell + OBJECT, 0);
    if (this.#kept.length < MOST_KEPT) this.#kept.push(cell);
    else this.#heap.blocks.free(cell);
  }

  freeNode(node: number): void {
    Atomics.store(this.#heap.words, node + OBJECT, 0);
    this.#heap.blocks.free(node);
  }
}
