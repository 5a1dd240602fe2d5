/** How the calling thread waits and is woken, on its loop and blocked. One per thread. */
import { Atomics } from '#atomics';
import { IntMap } from '../core/int-map.ts';
import { Handles } from '../memory/handles.ts';
import type { Heap } from '../memory/heap.ts';
import {
  ARRIVED,
  CELL_NEWS,
  NODE_SETTER,
  OBJECT,
  RECORD_PARK,
  RECORD_TELLING,
  UNREAPED,
} from '../memory/layout.ts';
import { nobodyIsTelling } from '../memory/reaper.ts';
import { Cells } from './cells.ts';
import { Mailbox, putNews, wakeThread } from './mailbox.ts';
import { Patience } from './patience.ts';

/** A wait of a task on this loop. */
export interface LoopWait {
  readonly object: number;
  /** Whether the cell is the wait's own, and not one of `Cells` to be used again. */
  readonly ownsCell?: boolean;
  /** Called once, when the cell has been set; takes what it was given. */
  set(cell: number): void;
}

/** What the runtime does for a thread that waits. */
export interface Platform {
  /** Calls `rung` once the word is not 1 any more. */
  listen(words: Int32Array, index: number, rung: () => void): void;
  /** Calls `look` in the next round of the loop. */
  nextRound(look: () => void): void;
  /** While the thread is blocked. */
  now(): number;
  /** Whether the current task has been cancelled: then a blocking wait ends. */
  interrupted?(): boolean;
  /** Whether the cell is to be delivered in a later round of the loop: then it will be, by `deliver`. `news` came from others. */
  putsOff?(cell: number, news: boolean): boolean;
  /** Around a blocking wait: how long it may sleep at a time, what to look at meanwhile, and the end. */
  slice(left: number): number;
  look(): void;
  end(): void;
  /** Called when a reaper could not finish because of this thread: not its own heap, if it mends what it leaves itself. */
  reap(heap: Heap): void;
  /** Whether another thread is asked to do that, since this one knows not all kinds of objects. */
  passesOn?(heap: Heap): boolean;
}

/** So many cells are set in one section. */
export const MOST_AT_ONCE = 64;

/** Cells that were set in one section, to be told after it: their addresses, whose they are, and 1 for tasks on a loop. */
export interface ToTell {
  readonly cells: Int32Array;
  readonly owners: Int32Array;
  readonly areAsync: Int32Array;
}

function noneToTell(): ToTell {
  return {
    cells: new Int32Array(MOST_AT_ONCE),
    owners: new Int32Array(MOST_AT_ONCE),
    areAsync: new Int32Array(MOST_AT_ONCE),
  };
}

export class Parking {
  readonly heap: Heap;
  readonly cells: Cells;
  readonly handles: Handles;
  readonly patience: Patience;
  readonly #platform: Platform;
  readonly #mailbox: Mailbox;
  /** By cell. A wait that was settled before it was told is `undefined` until its cell has arrived. */
  readonly #waits = new IntMap<LoopWait | undefined>();
  /** Whether the loop will look at the mailbox by itself: it sleeps on the bell, or looks in the next round. */
  #listening = false;
  #hasTaken = false;
  /** Whether the loop listens though nothing waits on it. */
  #attends = false;
  readonly #errands: (() => void)[] = [];
  /** So many are telling: while one waits to enter a section, what a dead thread left may be mended. */
  #telling = 0;
  /** Whether it does what a reaper could not finish. */
  #mending = false;
  /** By depth: who tells while another of this thread is telling must not write over what that has not told yet. */
  readonly #toTell: ToTell[] = [];

  constructor(heap: Heap, platform: Platform) {
    this.heap = heap;
    this.cells = new Cells(heap);
    this.handles = new Handles(heap);
    this.patience = new Patience(heap.spins);
    this.#platform = platform;
    this.#mailbox = new Mailbox(heap);
  }

  // Telling others

  /** To be called before setting cells of others, until all of them were told. */
  beginTelling(): void {
    if (this.#toTell.length === this.#telling) this.#toTell.push(noneToTell());
    if (this.#telling++ > 0) return;
    Atomics.store(this.heap.words, this.heap.record + RECORD_TELLING, 1);
  }

  /** Where whoever is telling writes in a section, where nothing can be made. */
  get toTell(): ToTell {
    return this.#toTell[this.#telling - 1]!;
  }

  /** Tells the thread whose cell was set. Nothing of the cell may be read before. */
  tell(cell: number, owner: number, ownerIsAsync: boolean): void {
    if (!ownerIsAsync) wakeThread(this.heap.words, owner);
    else if (owner === this.heap.token) this.#deliverSoon(cell, false);
    else putNews(this.heap.words, owner, cell);
  }

  /** Tells the first `count` of `toTell`. */
  tellAll(count: number): void {
    const { cells, owners, areAsync } = this.toTell;
    for (let index = 0; index < count; index++)
      this.tell(cells[index]!, owners[index]!, areAsync[index] === 1);
  }

  endTelling(): void {
    if (--this.#telling > 0) return;
    const { words, record } = this.heap;
    Atomics.store(words, record + RECORD_TELLING, 0);
    // Who mends tells as well: it does not begin again within that, but afterwards.
    if (this.#mending || Atomics.load(words, UNREAPED) === 0) return;
    if (this.#platform.passesOn?.(this.heap) === true) return;
    this.#mending = true;
    try {
      // While another is telling nothing can be finished, and that one will see it.
      while (
        Atomics.load(words, UNREAPED) === 1 &&
        nobodyIsTelling(words) &&
        Atomics.exchange(words, UNREAPED, 0) === 1
      )
        this.#platform.reap(this.heap);
    } finally {
      this.#mending = false;
    }
  }

  // Blocking

  /**
   * Blocks the thread until the cell is set. False if `timeout` milliseconds have passed, or the current task was
   * cancelled: then the cell has been. A wake-up in the same moment wins.
   */
  block(cell: number, timeout: number): boolean {
    const { words, record } = this.heap;
    const deadline = timeout === Infinity ? Infinity : this.#platform.now() + timeout;
    try {
      for (;;) {
        const seen = Atomics.load(words, record + RECORD_PARK);
        if (this.#mailbox.takeErrand()) this.#doErrands();
        if (this.cells.setBy(cell) !== 0) return true;
        const left = deadline === Infinity ? Infinity : deadline - this.#platform.now();
        if (left <= 0 || this.#platform.interrupted?.() === true) return !this.cells.cancel(cell);
        Atomics.wait(words, record + RECORD_PARK, seen, this.#platform.slice(left));
        this.#platform.look();
      }
    } finally {
      this.#platform.end();
    }
  }

  /**
   * Blocks the thread until `isOver`, which is asked after each wake-up; false if `timeout` milliseconds have passed, or the
   * current task was cancelled. Errands are done meanwhile.
   */
  blockUntil(isOver: () => boolean, timeout: number): boolean {
    const { words, record } = this.heap;
    const deadline = timeout === Infinity ? Infinity : this.#platform.now() + timeout;
    try {
      for (;;) {
        const seen = Atomics.load(words, record + RECORD_PARK);
        if (this.#mailbox.takeErrand()) this.#doErrands();
        if (isOver()) return true;
        const left = deadline === Infinity ? Infinity : deadline - this.#platform.now();
        if (left <= 0 || this.#platform.interrupted?.() === true) return false;
        Atomics.wait(words, record + RECORD_PARK, seen, this.#platform.slice(left));
        this.#platform.look();
      }
    } finally {
      this.#platform.end();
    }
  }

  // Errands

  /**
   * Has `errand` called whenever somebody calls this thread to its errands (`callErrand`), on its loop or while it is
   * blocked; so it must not run code of the user. The caller has left word of what it wants in shared memory. From now on the
   * loop listens all the time, which keeps nothing alive.
   */
  onErrand(errand: () => void): () => void {
    this.#errands.push(errand);
    this.attend();
    return () => {
      const at = this.#errands.indexOf(errand);
      if (at >= 0) this.#errands.splice(at, 1);
    };
  }

  /** From now on the loop listens though nothing waits on it. */
  attend(): void {
    this.#attends = true;
    this.#listen();
  }

  #doErrands(): void {
    for (const errand of [...this.#errands]) errand();
  }

  // Waiting on the loop

  /** From now on the loop hears when the cell is set. */
  expect(cell: number, wait: LoopWait): void {
    this.#waits.set(cell, wait);
    this.#listen();
  }

  /** The wait of a cell that nobody can set any more is over. */
  forget(cell: number): void {
    this.#waits.delete(cell);
  }

  /** Whether a task of this loop waits for the object. Looks at all waits of the loop. */
  waitsFor(object: number): boolean {
    for (const wait of this.#waits.values()) if (wait?.object === object) return true;
    return false;
  }

  /**
   * Gives up a wait, before it was settled. False if its cell has been set: then the wait was settled by this call. If
   * true, the cell must be removed from its lists, and freed.
   */
  giveUp(cell: number): boolean {
    const wait = this.#waits.get(cell);
    if (this.cells.cancel(cell)) {
      this.#waits.delete(cell);
      return true;
    }
    // Whoever has set it may be about to put it into the mailbox: the cell is not free until it has arrived.
    this.#waits.set(cell, undefined);
    wait!.set(cell);
    Atomics.store(this.heap.words, cell + OBJECT, 0);
    return false;
  }

  /** Looks at the mailbox now, and settles what has arrived. */
  drain(): void {
    const cells = this.#mailbox.take();
    for (const cell of cells) this.#deliverSoon(cell, true);
    this.#hasTaken = cells.length > 0;
    if (this.#mailbox.takeLook()) this.#lookAtAll();
    if (this.#mailbox.takeErrand()) this.#doErrands();
  }

  hasNews(): boolean {
    return this.#mailbox.hasNews();
  }

  #deliverSoon(cell: number, news: boolean): void {
    // From here on it will not be looked for.
    if (this.#platform.putsOff?.(cell, news) === true) this.heap.words[cell + CELL_NEWS] = ARRIVED;
    else this.deliver(cell);
  }

  /** Settles the wait whose cell was set and told. */
  deliver(cell: number): void {
    const wait = this.#waits.get(cell);
    if (!this.#waits.delete(cell)) return;
    wait?.set(cell);
    if (wait?.ownsCell !== true) this.cells.free(cell);
  }

  /** Somebody died. What it had set without telling is told now; it will not come by the mailbox any more. */
  #lookAtAll(): void {
    const { words } = this.heap;
    const orphans: number[] = [];
    for (const cell of this.#waits.keys()) {
      const node = this.cells.setBy(cell);
      if (node === 0 || words[cell + CELL_NEWS] === ARRIVED) continue;
      if (this.heap.isDead(words[node + NODE_SETTER]!)) orphans.push(cell);
    }
    // What it did tell is in the mailbox, now that it is known to be dead.
    for (const cell of this.#mailbox.take()) this.deliver(cell);
    for (const cell of orphans) this.deliver(cell);
  }

  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    while (!this.#mailbox.prepareSleep()) this.drain();
    this.#platform.listen(this.heap.words, this.#mailbox.bell, () => this.#rung());
  }

  /**
   * The bell was rung; or it is the round after one in which something came, and more may have come: to look costs less than to
   * sleep and be woken, and as long as the loop is awake nobody rings.
   */
  #rung(): void {
    this.#hasTaken = false;
    this.drain();
    if (this.#hasTaken) {
      this.#platform.nextRound(() => this.#rung());
      return;
    }
    this.#listening = false;
    if (this.#attends || this.#waits.size > 0) this.#listen();
  }
}
