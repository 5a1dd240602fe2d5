/**
 * A queue of waiters in shared memory: cells of tasks on any loop and of blocked threads, in order of arrival.
 *
 * A **cell** is one wait: it is set once, or cancelled once, by compare-and-swap on its state.
 *
 * | state of a cell      | means                     | leaves it by                                                    |
 * | -------------------- | ------------------------- | --------------------------------------------------------------- |
 * | `WAITING`            | nobody has decided        | compare-and-swap: `setNext` of any thread, or its own thread's `cancel` |
 * | the address of a node | set, from the list that the node stood in | its own thread, which takes what it was given        |
 * | `CANCELLED`          | given up                  | its own thread, which uses the cell again                        |
 *
 * A cell stands in a list by a **node**: its own, or one more for each further list (`select`). The truth of a node is
 * the object it names and its ticket; the links are an index (`section.ts`). A queue knows nothing of what is waited
 * for: an owner hands on by `setNext`, with one number that the waiter gets.
 *
 * - **Order.** First come, first served; whoever has given up is passed over.
 * - **One winner.** `setNext` and `cancel` of one cell: exactly one succeeds, and both know which.
 * - **Freed safely.** A node is unlinked before its cell is set, and touched no more afterwards. So a cell that is seen
 *   to be set can be used again once its other nodes are removed; one that was cancelled, after `remove`.
 * - **Death** of a thread at any step: the list is made anew from the cells that wait; one that was set stays set.
 * - **Cost.** Two compare-and-swaps for each of `append`, `setNext`, `remove`; one more to set or to cancel.
 *
 * **Source.** The queue of one-shot waiters is that of aiologic; setting the head before the word of the primitive
 * follows AbstractQueuedSynchronizer turned around: the releaser hands over, and newcomers cannot overtake.
 */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  CELL_ASYNC,
  CELL_STATE,
  LIST_COUNT,
  LIST_HEAD,
  LIST_TAIL,
  NODE_CELL,
  NODE_LINKED,
  NODE_LIST,
  NODE_NEXT,
  NODE_PREVIOUS,
  NODE_SETTER,
  NODE_TICKET,
  NODE_VALUE,
  OBJECT,
  SECTION,
  TICKETS,
  WAITING,
} from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';

export class WaitQueue {
  readonly #heap: Heap;
  readonly #object: number;
  readonly #list: number;
  /** Of the cell that `setNext` set last: the thread it belongs to, and whether that waits on its loop. */
  owner = 0;
  ownerIsAsync = false;

  /** The queue of `object` that stands at the offset `list`. */
  constructor(heap: Heap, object: number, list: number) {
    this.#heap = heap;
    this.#object = object;
    this.#list = list;
  }

  /** Whether nobody waits, as far as can be seen from outside the section. */
  isEmpty(): boolean {
    return Atomics.load(this.#heap.words, this.#object + this.#list + LIST_HEAD) === 0;
  }

  /** How many wait. */
  count(): number {
    return Atomics.load(this.#heap.words, this.#object + this.#list + LIST_COUNT);
  }

  /** Puts the node of a waiting cell at the end. */
  append(node: number): void {
    const { words, token: me } = this.#heap;
    const object = this.#object;
    const list = object + this.#list;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const ticket = (words[object + TICKETS]! + 1) | 0;
    const last = words[list + LIST_TAIL]!;
    words[object + TICKETS] = ticket;
    words[node + NODE_LIST] = this.#list;
    words[node + NODE_TICKET] = ticket;
    words[node + NODE_NEXT] = 0;
    words[node + NODE_PREVIOUS] = last;
    words[node + NODE_LINKED] = 1;
    words[node + OBJECT] = object;
    if (last === 0) words[list + LIST_HEAD] = node;
    else words[last + NODE_NEXT] = node;
    words[list + LIST_TAIL] = node;
    words[list + LIST_COUNT]! += 1;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
  }

  /** Puts the node of a waiting cell at the front. */
  prepend(node: number): void {
    const { words, token: me } = this.#heap;
    const object = this.#object;
    const list = object + this.#list;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const first = words[list + LIST_HEAD]!;
    const ticket = ((first === 0 ? words[object + TICKETS]! : words[first + NODE_TICKET]!) - 1) | 0;
    words[node + NODE_LIST] = this.#list;
    words[node + NODE_TICKET] = ticket;
    words[node + NODE_NEXT] = first;
    words[node + NODE_PREVIOUS] = 0;
    words[node + NODE_LINKED] = 1;
    words[node + OBJECT] = object;
    if (first === 0) words[list + LIST_TAIL] = node;
    else words[first + NODE_PREVIOUS] = node;
    words[list + LIST_HEAD] = node;
    words[list + LIST_COUNT]! += 1;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
  }

  /**
   * Sets the first cell that still waits, with `value` for its waiter, and takes it out. Returns its address, with
   * `owner` and `ownerIsAsync` saying whom to tell; 0 if nobody waits.
   *
   * `word`, if given, is where it says who has what is handed over: from `-me` it is changed to the negative token of
   * the waiter. That is done in the section, lest the waiter hand it back to another wait of this thread before: then
   * the word would be `-me` anew, and the change a lie.
   */
  setNext(value: number, word: number = 0): number {
    const { words, token: me } = this.#heap;
    const object = this.#object;
    const list = object + this.#list;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    let set = 0;
    let node = words[list + LIST_HEAD]!;
    while (set === 0 && node !== 0) {
      const next = words[node + NODE_NEXT]!;
      const cell = words[node + NODE_CELL]!;
      words[list + LIST_HEAD] = next;
      if (next === 0) words[list + LIST_TAIL] = 0;
      else words[next + NODE_PREVIOUS] = 0;
      words[list + LIST_COUNT]! -= 1;
      words[node + NODE_LINKED] = 0;
      words[node + NODE_VALUE] = value;
      words[node + NODE_SETTER] = me;
      // Read before it is set: from then on the cell is its waiter's.
      this.owner = words[cell - 1]!;
      this.ownerIsAsync = words[cell + CELL_ASYNC] === 1;
      if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) {
        set = cell;
        if (word !== 0) Atomics.compareExchange(words, word, -me, -this.owner);
      }
      node = next;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return set;
  }

  /** Takes a node out, wherever it stands, and so that nobody looks at it any more. */
  remove(node: number): void {
    const { words, token: me } = this.#heap;
    const object = this.#object;
    const list = object + this.#list;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (words[node + NODE_LINKED] === 1) {
      const next = words[node + NODE_NEXT]!;
      const previous = words[node + NODE_PREVIOUS]!;
      if (previous === 0) words[list + LIST_HEAD] = next;
      else words[previous + NODE_NEXT] = next;
      if (next === 0) words[list + LIST_TAIL] = previous;
      else words[next + NODE_PREVIOUS] = previous;
      words[list + LIST_COUNT]! -= 1;
      words[node + NODE_LINKED] = 0;
    }
    words[node + OBJECT] = 0;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
  }
}
