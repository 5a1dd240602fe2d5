/**
 * Telling a thread that a wait of it was decided, with one wake-up however many there are.
 *
 * A blocked thread sleeps on one word of its record, `RECORD_PARK`, whatever it waits for: adding to it and notifying
 * makes it look at its cell. A loop has a **mailbox**, a list of cells that were set, and a **doorbell**, the word on
 * which it sleeps: whoever puts a cell in rings if the loop sleeps.
 *
 * ```text
 * put:    cell.next = head; head ← cell by compare-and-swap      loop:  bell ← 1
 *         if bell: 1 → 0 by compare-and-swap, notify                     if the mailbox is not empty: bell ← 0, take
 *                                                                        else sleep on bell while it is 1
 * take:   head ← 0 by exchange; the list, in order of arrival
 * ```
 *
 * - **No lost wake-up.** Either the loop sees the cell after it has set the bell, or who put it sees the bell set.
 * - **One ring.** The first to ring clears the bell; until the loop sleeps again, nobody else rings.
 * - **No cell twice.** A cell is put in once for each time it is set, and used again only when it was taken out: so the
 *   list needs no tags against heads that come and go.
 * - **Death** of who has set a cell, before it was put in: the reaper raises `RECORD_LOOK` of every thread and wakes
 *   it, and each looks at its own waits.
 *
 * **Source.** The list is Treiber's stack, taken whole, as in the mailboxes of Akka and the remote queues of Tokio.
 */
import { Atomics } from '#atomics';
import { type Heap, recordOf } from '../memory/heap.ts';
import {
  CELL_NEWS,
  RECORD_BELL,
  RECORD_ERRAND,
  RECORD_LOOK,
  RECORD_NEWS,
  RECORD_PARK,
  RECORD_TOKEN,
} from '../memory/layout.ts';

/** Makes a blocked thread look at its cell. */
export function wakeThread(words: Int32Array, token: number): void {
  const park = recordOf(token) + RECORD_PARK;
  Atomics.add(words, park, 1);
  Atomics.notify(words, park);
}

/** Puts a cell that was set into the mailbox of the loop that waits on it. A mailbox of the dead is left alone. */
export function putNews(words: Int32Array, token: number, cell: number): void {
  const record = recordOf(token);
  if (Atomics.load(words, record + RECORD_TOKEN) !== token) return;
  for (;;) {
    const head = Atomics.load(words, record + RECORD_NEWS);
    words[cell + CELL_NEWS] = head;
    if (Atomics.compareExchange(words, record + RECORD_NEWS, head, cell) === head) break;
  }
  ring(words, record);
}

/** Makes every wait of a thread look at its cell by itself, be it blocked or a task on its loop. */
export function askToLook(words: Int32Array, token: number): void {
  const record = recordOf(token);
  Atomics.store(words, record + RECORD_LOOK, 1);
  Atomics.compareExchange(words, record + RECORD_BELL, 1, 0);
  // In any case: who died may have cleared the bell and not notified.
  Atomics.notify(words, record + RECORD_BELL);
  wakeThread(words, token);
}

/** Makes a thread do its errands (`Parking.onErrand`), be it blocked or on its loop. Nothing if it is dead. */
export function callErrand(words: Int32Array, token: number): void {
  const record = recordOf(token);
  if (Atomics.load(words, record + RECORD_TOKEN) !== token) return;
  Atomics.store(words, record + RECORD_ERRAND, 1);
  ring(words, record);
  wakeThread(words, token);
}

function ring(words: Int32Array, record: number): void {
  if (Atomics.compareExchange(words, record + RECORD_BELL, 1, 0) === 1)
    Atomics.notify(words, record + RECORD_BELL);
}

/** The mailbox of the calling thread. */
export class Mailbox {
  readonly #heap: Heap;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  hasNews(): boolean {
    const { words, record } = this.#heap;
    return (
      Atomics.load(words, record + RECORD_NEWS) !== 0 ||
      Atomics.load(words, record + RECORD_LOOK) !== 0 ||
      Atomics.load(words, record + RECORD_ERRAND) !== 0
    );
  }

  /** Takes out all cells, in order of arrival. */
  take(): number[] {
    const { words, record } = this.#heap;
    const cells: number[] = [];
    let cell = Atomics.exchange(words, record + RECORD_NEWS, 0);
    while (cell !== 0) {
      cells.push(cell);
      cell = words[cell + CELL_NEWS]!;
    }
    return cells.reverse();
  }

  /** Whether somebody asked to look at all waits, since this was called last. */
  takeLook(): boolean {
    const { words, record } = this.#heap;
    return (
      Atomics.load(words, record + RECORD_LOOK) !== 0 &&
      Atomics.exchange(words, record + RECORD_LOOK, 0) !== 0
    );
  }

  /** Whether the thread was called to its errands, since this was called last. */
  takeErrand(): boolean {
    const { words, record } = this.#heap;
    return (
      Atomics.load(words, record + RECORD_ERRAND) !== 0 &&
      Atomics.exchange(words, record + RECORD_ERRAND, 0) !== 0
    );
  }

  /** Says that the loop is about to sleep on its bell. False if it must not, for there is news. */
  prepareSleep(): boolean {
    const { words, record } = this.#heap;
    Atomics.store(words, record + RECORD_BELL, 1);
    if (!this.hasNews()) return true;
    Atomics.store(words, record + RECORD_BELL, 0);
    return false;
  }

  /** The word on which the loop sleeps while it is 1. */
  get bell(): number {
    return this.#heap.record + RECORD_BELL;
  }
}
