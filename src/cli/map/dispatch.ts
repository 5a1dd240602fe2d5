/** Keeps all threads busy with blocks, and gives the blocks back in order or as they come. */

import type { Block } from './block.ts';
import { BlockSize } from './block-size.ts';
import type { SettledBlock } from './settle.ts';

export interface DispatchOptions {
  /** The next block of at most `max` items, or undefined at the end. */
  readonly next: (max: number) => Promise<Block | undefined>;
  readonly settle: (block: Block) => Promise<SettledBlock>;
  readonly ordered: boolean;
  readonly threads: number;
  /** One item per block, whatever they cost. */
  readonly single: boolean;
  /** Ends it with its reason, after what is done already. */
  readonly signal: AbortSignal;
}

/** How much output may wait, done, behind a block that is not. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024;
const MOST_WAITING_BLOCKS = 4096;

/**
 * Yields every block once, settled. Input is read only while threads have room, so a slow consumer stops the reader.
 * The first error of reading or settling ends it, after the blocks before it where they are ordered.
 */
export async function* dispatch(options: DispatchOptions): AsyncGenerator<SettledBlock, void, undefined> {
  yield* new Dispatcher(options).run();
}

type Outcome = { readonly settled: SettledBlock } | { readonly error: unknown };

class Dispatcher {
  readonly #options: DispatchOptions;
  readonly #size: BlockSize;
  /** In the order in which they were read; an entry without an outcome is still running. */
  readonly #blocks: { outcome?: Outcome }[] = [];
  #running = 0;
  #waitingBytes = 0;
  #reading = false;
  #ended = false;
  #wake: () => void = () => {};

  constructor(options: DispatchOptions) {
    this.#options = options;
    this.#size = new BlockSize(options.single);
  }

  async *run(): AsyncGenerator<SettledBlock, void, undefined> {
    const { signal } = this.#options;
    const abort = () => this.#wake();
    signal.addEventListener('abort', abort);
    try {
      yield* this.#yieldAll(signal);
    } finally {
      this.#ended = true;
      signal.removeEventListener('abort', abort);
    }
  }

  async *#yieldAll(signal: AbortSignal): AsyncGenerator<SettledBlock, void, undefined> {
    for (;;) {
      if (signal.aborted) this.#ended = true;
      this.#fill();
      const changed = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const outcome = this.#take();
      if (outcome === undefined) {
        signal.throwIfAborted();
        if (this.#ended && !this.#reading && this.#blocks.length === 0) return;
        await changed;
      } else if ('error' in outcome) throw outcome.error;
      else yield outcome.settled;
    }
  }

  #take(): Outcome | undefined {
    const at = this.#options.ordered ? 0 : this.#blocks.findIndex((one) => one.outcome !== undefined);
    const outcome = this.#blocks[at]?.outcome;
    if (outcome === undefined) return undefined;
    this.#blocks.splice(at, 1);
    this.#waitingBytes -= bytesOf(outcome);
    return outcome;
  }

  /** Starts reading one block if there is room for it; goes on by itself when it is read. */
  #fill(): void {
    const room =
      this.#running < 2 * this.#options.threads &&
      this.#waitingBytes < MOST_WAITING_BYTES &&
      this.#blocks.length < MOST_WAITING_BLOCKS;
    if (this.#reading || this.#ended || !room) return;
    this.#reading = true;
    void this.#read();
  }

  async #read(): Promise<void> {
    try {
      const block = await this.#options.next(this.#size.items);
      if (block === undefined) this.#ended = true;
      else void this.#start(block);
    } catch (error) {
      this.#ended = true;
      this.#blocks.push({ outcome: { error } });
    }
    this.#reading = false;
    this.#fill();
    this.#wake();
  }

  async #start(block: Block): Promise<void> {
    const entry: { outcome?: Outcome } = {};
    this.#blocks.push(entry);
    this.#running++;
    try {
      const settled = await this.#options.settle(block);
      if (settled.msPerItem !== undefined) this.#size.observe(block.count, settled.msPerItem);
      entry.outcome = { settled };
    } catch (error) {
      this.#ended = true;
      entry.outcome = { error };
    }
    this.#running--;
    this.#waitingBytes += bytesOf(entry.outcome);
    this.#fill();
    this.#wake();
  }
}

function bytesOf(outcome: Outcome): number {
  if (!('settled' in outcome)) return 0;
  return outcome.settled.segments.reduce((sum, segment) => sum + (segment.bytes?.length ?? 0), 0);
}
