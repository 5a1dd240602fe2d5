/**
 * Sections: how the index of a shared object is changed by one thread at a time, and survives the death of any.
 *
 * The index (its lists of waiters, the count of its handles) is derived from records, each of which says by itself to
 * which object it belongs and in which state it is. So it may be lost, and is, when a thread dies while it changes it:
 * then it is made anew.
 *
 * | word `SECTION`  | means                                | leaves it by                                                    |
 * | --------------- | ------------------------------------ | --------------------------------------------------------------- |
 * | 0               | nobody changes the index             | compare-and-swap to the token of who wants to                     |
 * | a token, `t`    | that thread does                     | `t` → 0; or `t` → `-t` by another, which then sleeps on the word   |
 * | `-t`            | it does, and others sleep on the word | `-t` → 0, and all of them are woken                               |
 * | `TORN`          | its holder died, or failed rebuilding | compare-and-swap to the token of who rebuilds the index, and goes on |
 *
 * `t` or `-t` of a thread that is known to be dead becomes `TORN` by whoever sees it first: the reaper, or a thread on
 * its way in.
 *
 * **Discipline.** Entering and leaving are written out where a section is needed, and between the two stand plain
 * reads, stores and atomic operations, but no call of a JavaScript function: one might overflow the stack, and leave
 * the word held by a living thread.
 *
 * ```text
 * if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
 * // … the index, and one compare-and-swap of a record at most that must not be seen apart from it
 * if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
 *   Atomics.compareExchange(words, object + SECTION, -me, 0);
 *   Atomics.notify(words, object + SECTION);
 * }
 * ```
 *
 * Left by compare-and-swap, not by a store: a thread that was taken for dead and is not must not undo what its
 * successor did. All sleepers are woken, not one: a wake-up may go to a thread that has just been terminated.
 *
 * **Rejected.** Lists changed by compare-and-swap alone: a waiter that gives up must be taken out of the middle, which
 * takes marked links and somebody to sweep them, and each cell a wait until nobody can still look at it.
 */
import { Atomics } from '#atomics';
import { type Heap, recordOf } from './heap.ts';
import { kindOf, listsOf } from './kinds.ts';
import {
  CELL,
  CELL_STATE,
  GARBAGE,
  HANDLE,
  KIND,
  LIST_COUNT,
  LIST_HEAD,
  LIST_TAIL,
  NODE,
  NODE_CELL,
  NODE_LINKED,
  NODE_LIST,
  NODE_NEXT,
  NODE_PREVIOUS,
  NODE_TICKET,
  OBJECT,
  PARCEL,
  RECORD_TOKEN,
  REFS,
  SECTION,
  TORN,
  WAITING,
} from './layout.ts';

/** The slow way into a section: it was not free. Returns inside it, with a sound index. */
export function enterSection(heap: Heap, object: number): void {
  const { words, token: me } = heap;
  const section = object + SECTION;
  let spins = 0;
  // Once it has slept it enters as `-me`: it cannot know whether others still sleep.
  let mark = me;
  for (;;) {
    const seen = Atomics.load(words, section);
    if (seen === 0) {
      if (Atomics.compareExchange(words, section, 0, mark) === 0) return;
    } else if (seen === TORN) {
      if (Atomics.compareExchange(words, section, TORN, -me) === TORN) {
        rebuild(heap, object);
        return;
      }
    } else {
      const holder = Math.abs(seen);
      if (Atomics.load(words, recordOf(holder) + RECORD_TOKEN) !== holder) {
        Atomics.compareExchange(words, section, seen, TORN);
      } else if (spins < heap.spins) {
        spins++;
      } else if (seen < 0 || Atomics.compareExchange(words, section, seen, -seen) === seen) {
        mark = -me;
        // Its holder may have died, and nobody but this thread may hear of it.
        Atomics.wait(words, section, -holder, heap.watch?.slice(Infinity) ?? Infinity);
        heap.watch?.look();
        heap.watch?.end();
      }
    }
  }
}

/** Makes the index of an object anew. Called in its section, which it tears again if it fails. */
function rebuild(heap: Heap, object: number): void {
  let done = false;
  try {
    rebuildRefs(heap, object);
    const kind = heap.words[object + KIND]!;
    for (const list of listsOf(kind)) rebuildList(heap, object, list);
    kindOf(kind)?.rebuild?.(heap, object);
    done = true;
  } finally {
    if (!done) {
      Atomics.compareExchange(heap.words, object + SECTION, -heap.token, TORN);
      Atomics.notify(heap.words, object + SECTION);
    }
  }
}

function rebuildRefs({ words, blocks }: Heap, object: number): void {
  let count = 0;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    const kind = words[block + KIND];
    if ((kind === HANDLE || kind === PARCEL) && Atomics.load(words, block + OBJECT) === object) count++;
  }
  // An object that somebody is freeing, or should, stays that.
  if (words[object + REFS]! > 0) words[object + REFS] = count === 0 ? GARBAGE : count;
}

function rebuildList(heap: Heap, object: number, list: number): void {
  const { words, blocks } = heap;
  const nodes: number[] = [];
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (!isNode(words, block) || Atomics.load(words, block + OBJECT) !== object) continue;
    if (words[block + NODE_LIST] !== list) continue;
    const linked = words[block + NODE_LINKED] === 1;
    const cell = words[block + NODE_CELL]!;
    const waits = Atomics.load(words, cell + CELL_STATE) === WAITING && !heap.isDead(blocks.stateOf(block));
    // A node that does not wait and is not linked may be freed and used anew at any moment. It is put into a list of
    // this object only in this section: if it is of this object still, it was so all the time.
    if (Atomics.load(words, block + OBJECT) !== object) continue;
    if (waits) nodes.push(block);
    else if (linked) words[block + NODE_LINKED] = 0;
  }
  // By difference: tickets may wrap around.
  nodes.sort((a, b) => (words[a + NODE_TICKET]! - words[b + NODE_TICKET]!) | 0);
  for (const [index, node] of nodes.entries()) {
    words[node + NODE_PREVIOUS] = nodes[index - 1] ?? 0;
    words[node + NODE_NEXT] = nodes[index + 1] ?? 0;
    words[node + NODE_LINKED] = 1;
  }
  words[object + list + LIST_TAIL] = nodes.at(-1) ?? 0;
  words[object + list + LIST_COUNT] = nodes.length;
  Atomics.store(words, object + list + LIST_HEAD, nodes[0] ?? 0);
}

function isNode(words: Int32Array, block: number): boolean {
  const kind = words[block + KIND];
  return kind === CELL || kind === NODE;
}

/** Makes the index of an object sound again if a thread died in its section. */
export function settleSection(heap: Heap, object: number): void {
  const { words, token: me } = heap;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
}
