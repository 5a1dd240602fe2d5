/**
 * The lock in shared memory: one word that says who has it, and a queue of who waits.
 *
 * | `LOCK_WORD`    | means                            | leaves it by                                                              |
 * | -------------- | -------------------------------- | ------------------------------------------------------------------------- |
 * | `FREE`         | nobody has it                    | `attempt` of anyone → their token                                          |
 * | a token, `t`   | thread `t` has it                | `release` of `t` → `FREE`; a waiter, having queued → `-t`                   |
 * | `-t`           | … and somebody may wait          | `release` of `t` → the negative token of the first waiter, or → `FREE`      |
 * | either         | … and `t` is dead                | `recover` of anyone → their negative token; or → that of the waiter `t` had chosen |
 * | either         | … and another has been given it  | the giver, or the waiter itself: → the waiter's negative token             |
 * | `ABANDONED`    | nobody has it; the last to have it died with it | `attempt` of anyone → their token: who learns of the death  |
 *
 * Every transition is a compare-and-swap from the very value seen.
 *
 * **Release.**
 * ```text
 * word is me        → FREE                             and that is all
 * word is -me       set the first cell that waits      from here on the lock is its thread's: the commitment
 *                     word: -me → -its token           (if it was faster, it has written that itself)
 *                   both in the section: before it is left the waiter cannot hand on; tell it
 *                   nobody waits: word: -me → FREE
 *                     somebody waits now? take the lock back and begin again, or mark the word of who took it
 * ```
 * **Acquire.** `attempt`; else put a cell in the queue, and take the lock after all or mark the word of who has it (`line`);
 * wait for the cell (`park/wait.ts`).
 *
 * **Invariants**
 * - A cell is set only by the thread whose token the word holds.
 * - At most one cell of the lock is set and not yet accepted; the lock belongs to its thread, whatever the word says.
 * - While somebody waits, the word is negative, except while someone is about to make it so: the waiter between
 *   queueing and marking, a releaser between `FREE` and its second look.
 *
 * **Death.** Whoever dies between setting a cell and writing the word leaves a cell that tells whose the lock is:
 * `recover` looks for it before it takes the lock from the dead. Whoever dies before a second look leaves a lock that is
 * free, or not marked, with waiters: `recover` does the second look.
 *
 * **Rejected.** A word that only says "locked", with waiters that fight for it after each release, as in most futexes:
 * it is faster when threads fight, and starves. Here a newcomer may take a lock that is free, but one who waits is
 * served in turn. Without the mark, a release must look at the queue before and after: measured, that makes an
 * uncontended pair half as dear again.
 *
 * **Source.** The hand-over is that of the fair mode of `java.util.concurrent`, the mark that of Drepper's futexes.
 */
import { Atomics } from '#atomics';
import { NotOwnerError } from '../core/errors.ts';
import { recordOf } from '../memory/heap.ts';
import { LOCK, RLOCK } from '../memory/kinds.ts';
import {
  A_TASK,
  CANCELLED,
  CELL,
  CELL_STATE,
  FIRST_TOKEN,
  KIND,
  LISTS,
  LOCK_DIED,
  LOCK_WORD,
  NODE_TICKET,
  OBJECT,
  RECORD_THREAD_ID,
  SECTION,
  TORN,
  WAITING,
} from '../memory/layout.ts';
import { settleSection } from '../memory/section.ts';
import type { Parking } from '../park/parking.ts';
import type { Wanted } from '../park/wait.ts';
import { WaitQueue } from '../park/wait-queue.ts';
import { StackProbe } from '../platform/stack.ts';

const stack = new StackProbe();

const FREE = 0;
/** No state of a cell, which has its own in the same word of a block. */
const ABANDONED = 3;

/** How a lock was got: whole, or as the first after its owner had died with it. */
export const WHOLE = 1;
export const AFTER_DEATH = 2;
export type Taken = typeof WHOLE | typeof AFTER_DEATH;

export class LockWord implements Wanted<Taken> {
  readonly parking: Parking;
  readonly object: number;
  readonly queue: WaitQueue;
  readonly #unused: () => void;
  /** How many tasks wait by this handle. */
  waits: number = 0;
  readonly #words: Int32Array;
  readonly #word: number;
  readonly #me: number;
  readonly #name: string;

  /** `name` is for messages: `lock "cache"`. `unused` is called when nobody waits by this handle any more. */
  constructor(parking: Parking, object: number, name: string, unused: () => void = () => {}) {
    this.#unused = unused;
    this.#name = name;
    this.parking = parking;
    this.object = object;
    this.queue = new WaitQueue(parking.heap, object, LISTS);
    this.#words = parking.heap.words;
    this.#word = object + LOCK_WORD;
    this.#me = parking.heap.token;
  }

  /** Whether nobody has it. */
  isThere(): boolean {
    const seen = Atomics.load(this.#words, this.#word);
    return seen === FREE || seen === ABANDONED;
  }

  /** Whether the calling thread has it. */
  isMine(): boolean {
    return Math.abs(Atomics.load(this.#words, this.#word)) === this.#me;
  }

  /** Takes the lock if nobody has it. */
  attempt(): Taken | undefined {
    const seen = Atomics.compareExchange(this.#words, this.#word, FREE, this.#me);
    if (seen === FREE) return WHOLE;
    if (seen !== ABANDONED) return undefined;
    // Whoever takes it makes an error of it.
    stack.probe();
    return Atomics.compareExchange(this.#words, this.#word, ABANDONED, this.#me) === ABANDONED
      ? AFTER_DEATH
      : undefined;
  }

  hasLine(): boolean {
    return !this.queue.isEmpty();
  }

  /** Takes the lock if nobody has it by now; else who has it will know that somebody waits. */
  line(node: number): Taken | undefined {
    this.queue.append(node);
    for (;;) {
      const taken = this.attempt();
      if (taken !== undefined) return taken;
      if (this.#mark()) return undefined;
    }
  }

  /** Marks the word of who has the lock. False if nobody has it. */
  #mark(): boolean {
    for (;;) {
      const seen = Atomics.load(this.#words, this.#word);
      if (seen < 0) return true;
      if (seen === FREE || seen === ABANDONED) return false;
      if (Atomics.compareExchange(this.#words, this.#word, seen, -seen) === seen) return true;
    }
  }

  /** Accepts the lock for a cell of this thread that was set: from now on the word says so. */
  granted(value: number): Taken {
    let seen = Atomics.load(this.#words, this.#word);
    while (Math.abs(seen) !== this.#me) {
      Atomics.compareExchange(this.#words, this.#word, seen, -this.#me);
      seen = Atomics.load(this.#words, this.#word);
    }
    return value as Taken;
  }

  withdraw(node: number): undefined {
    this.queue.remove(node);
  }

  begin(): void {
    this.waits++;
  }

  end(): void {
    if (--this.waits === 0) this.#unused();
  }

  /**
   * Gives the lock to the first who waits, or to nobody.
   * @param probed whether the stack has been probed.
   * @throws NotOwnerError if this thread does not have it.
   */
  release(probed: boolean = false): void {
    const seen = Atomics.compareExchange(this.#words, this.#word, this.#me, FREE);
    if (seen === this.#me) return;
    if (seen !== -this.#me) {
      throw new NotOwnerError(`Cannot release ${this.#name}: this thread does not have it`);
    }
    if (!probed) stack.probe();
    this.#handOver(WHOLE);
  }

  /**
   * Gives the lock on as its owner's death does: whoever gets it learns of it.
   * @param probed whether the stack has been probed.
   */
  abandon(probed: boolean = false): void {
    if (!probed) stack.probe();
    Atomics.store(this.#words, this.object + LOCK_DIED, A_TASK);
    Atomics.compareExchange(this.#words, this.#word, this.#me, -this.#me);
    this.#handOver(AFTER_DEATH);
  }

  /** Who ended while holding it, for the next to get it. */
  whoDied(): string {
    const thread = Atomics.load(this.#words, this.object + LOCK_DIED);
    return thread === A_TASK ? 'a task' : `thread ${thread}`;
  }

  describe(): string {
    return `Cannot acquire ${this.#name}`;
  }

  // The word is that of the calling thread, and marked; the stack has been probed.
  #handOver(taken: Taken): void {
    const { parking, queue } = this;
    parking.beginTelling();
    try {
      for (;;) {
        const cell = queue.setNext(taken, this.#word);
        if (cell !== 0) {
          const { owner, ownerIsAsync } = queue;
          // Its reaper may have looked at the word before it was written.
          if (parking.heap.isDead(owner)) this.recover();
          else parking.tell(cell, owner, ownerIsAsync);
          break;
        }
        const open = taken === WHOLE ? FREE : ABANDONED;
        if (Atomics.compareExchange(this.#words, this.#word, -this.#me, open) !== -this.#me) break;
        // Who queued before that saw a word that was marked.
        if (queue.isEmpty()) break;
        const again = this.#takeBack();
        if (again === undefined) break;
        taken = again;
      }
    } finally {
      parking.endTelling();
    }
  }

  /**
   * Takes back a lock that was opened with somebody in the line, as what it is now: others may have had it meanwhile.
   * `undefined` if another has it, who knows of the line.
   */
  #takeBack(): Taken | undefined {
    for (;;) {
      const seen = Atomics.load(this.#words, this.#word);
      if (seen !== FREE && seen !== ABANDONED) {
        if (this.#mark()) return undefined;
      } else if (Atomics.compareExchange(this.#words, this.#word, seen, -this.#me) === seen) {
        return seen === FREE ? WHOLE : AFTER_DEATH;
      }
    }
  }

  /** Mends what a dead thread left, if it left anything here. */
  recover(): void {
    const words = this.#words;
    if (Atomics.load(words, this.object + SECTION) === TORN) settleSection(this.parking.heap, this.object);
    for (;;) {
      const seen = Atomics.load(words, this.#word);
      if (seen === FREE || seen === ABANDONED) {
        if (this.queue.isEmpty()) return;
        stack.probe();
        if (!this.#claim(seen)) continue;
        this.#handOver(seen === FREE ? WHOLE : AFTER_DEATH);
        return;
      }
      const owner = Math.abs(seen);
      if (owner < FIRST_TOKEN) return;
      if (!this.parking.heap.isDead(owner)) {
        if (seen < 0 || this.queue.isEmpty() || this.#mark()) return;
        continue;
      }
      const chosen = this.#chosen();
      if (chosen === 0) {
        stack.probe();
        if (!this.#claim(seen)) continue;
        Atomics.store(
          words,
          this.object + LOCK_DIED,
          Atomics.load(words, recordOf(owner) + RECORD_THREAD_ID),
        );
        this.#handOver(AFTER_DEATH);
        return;
      }
      // It is told by being asked to look: its setter is dead.
      if (Atomics.compareExchange(words, this.#word, seen, -chosen) === seen) return;
    }
  }

  /** Takes it from whom it was seen with. False if it is not there any more, or no lock at all. */
  #claim(seen: number): boolean {
    const words = this.#words;
    if (Atomics.compareExchange(words, this.#word, seen, -this.#me) !== seen) return false;
    const kind = words[this.object + KIND];
    if (kind === LOCK || kind === RLOCK) return true;
    // The block was freed and is something else now, which does not use the word.
    Atomics.compareExchange(words, this.#word, -this.#me, seen);
    return false;
  }

  /** The living thread whose cell was set for this lock, and which has not accepted it yet; 0 if there is none. */
  #chosen(): number {
    const { words, blocks } = this.parking.heap;
    for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
      if (words[block + KIND] !== CELL || Atomics.load(words, block + OBJECT) === 0) continue;
      const node = Atomics.load(words, block + CELL_STATE);
      if (node === WAITING || node === CANCELLED) continue;
      const owner = blocks.stateOf(block);
      // A cell in several lists was set by one of them: only its node tells which.
      if (Atomics.load(words, node + OBJECT) !== this.object) continue;
      // Set by another object, freed, and in this line by now? It was set here if it was set in the same place of the line.
      const ticket = words[node + NODE_TICKET]!;
      if (Atomics.load(words, block + CELL_STATE) !== node) continue;
      if (Atomics.load(words, node + OBJECT) !== this.object || words[node + NODE_TICKET] !== ticket)
        continue;
      if (!this.parking.heap.isDead(owner)) return owner;
    }
    return 0;
  }
}
