/** What the contract of structured concurrency has done, on this loop and in other threads. */
import {
  cancelled,
  currentTask,
  isMainThread,
  portable,
  shield,
  sleep,
  TaskGroup,
  until as untilSettled,
} from '../../../src/index.ts';
import { BEGUN, COUNT, ENDED, GO_ON, raise, SEEN, until } from '../executors/jobs.ts';

/** A word of a flag: its shielded clean-up has begun. */
export const CLEANING = 5;
/** How often a function has been called. */
export const CALLED = 6;

/** A wait of the task that is over soon; here by a turn of the loop, which no virtual clock holds up. */
function nap(): Promise<void> {
  return isMainThread ? untilSettled(new Promise<void>((resolve) => setImmediate(resolve))) : sleep(1);
}

function isToldTo(words: Int32Array): boolean {
  return Atomics.load(words, GO_ON) !== 0;
}

function begin(words: Int32Array): void {
  Atomics.add(words, CALLED, 1);
  raise(words, BEGUN);
}

function see(words: Int32Array, error: unknown): void {
  Atomics.store(words, SEEN, (error as Error).name === 'CancelledError' ? 1 : 2);
}

const functions = {
  value<T>(words: Int32Array, value: T): T {
    begin(words);
    raise(words, ENDED);
    return value;
  },

  crash(words: Int32Array, message: string): never {
    begin(words);
    raise(words, ENDED);
    throw new RangeError(message);
  },

  /** Awaits until it may go on: a wait of its task, which cancellation ends. */
  async hold(words: Int32Array): Promise<string> {
    begin(words);
    try {
      while (!isToldTo(words)) await nap();
      return 'done';
    } catch (error) {
      see(words, error);
      throw error;
    } finally {
      raise(words, ENDED);
    }
  },

  /** Awaits until it may go on, deaf to its cancellation. */
  async giveWhenToldTo<T>(words: Int32Array, value: T): Promise<T> {
    begin(words);
    await until(() => isToldTo(words), 'the word to go on');
    raise(words, ENDED);
    return value;
  },

  /** The same, and fails. */
  async crashWhenToldTo(words: Int32Array, message: string): Promise<never> {
    await functions.giveWhenToldTo(words, undefined);
    throw new RangeError(message);
  },

  /** Waits for its cancellation, and fails while it cleans up. */
  async crashInFinally(words: Int32Array, message: string): Promise<void> {
    begin(words);
    try {
      await sleep(Infinity);
    } finally {
      raise(words, ENDED);
      // biome-ignore lint/correctness/noUnsafeFinally: a crash in clean-up is what is tested
      throw new RangeError(message);
    }
  },

  /** Waits for its cancellation; its clean-up waits until it may go on. */
  async cleanUp(words: Int32Array): Promise<void> {
    begin(words);
    try {
      await sleep(Infinity);
    } catch (error) {
      see(words, error);
      await shield(async () => {
        raise(words, CLEANING);
        while (!isToldTo(words)) await nap();
      });
      raise(words, ENDED);
      throw error;
    }
  },

  /** Waits for its cancellation, and returns as if there was none. */
  async swallow(words: Int32Array): Promise<string> {
    begin(words);
    await sleep(Infinity).catch((error: unknown) => see(words, error));
    raise(words, ENDED);
    return 'swallowed';
  },

  /** Waits for its cancellation, and dresses it up. */
  async wrap(words: Int32Array): Promise<never> {
    begin(words);
    try {
      return await sleep(Infinity).then(() => {
        throw new Error('Infinity has passed');
      });
    } catch (cause) {
      see(words, cause);
      raise(words, ENDED);
      throw new Error('wrapped', { cause: new Error('between', { cause }) });
    }
  },

  /** A group of its own, of so many tasks that wait for their cancellation. Counts how many have seen it. */
  async group(words: Int32Array, tasks: number): Promise<void> {
    let begun = 0;
    try {
      await TaskGroup.run((group) => {
        for (let n = 0; n < tasks; n++)
          group.spawn(async () => {
            if (++begun === tasks) begin(words);
            try {
              await sleep(Infinity);
            } finally {
              Atomics.add(words, COUNT, 1);
            }
          });
      });
    } catch (error) {
      see(words, error);
      throw error;
    } finally {
      raise(words, ENDED);
    }
  },

  /** Computes until it sees that it is cancelled, without returning to its loop. */
  compute(words: Int32Array): void {
    begin(words);
    while (!cancelled());
    raise(words, ENDED);
  },

  /** For a map: the item does not matter. */
  holdFor(_item: number, words: Int32Array): Promise<string> {
    return functions.hold(words);
  },

  crashAt(item: number, at: number): number {
    if (item === at) throw new RangeError(`crash at ${at}`);
    return item;
  },

  taskName(): string | undefined {
    return currentTask()?.name;
  },
};

export const work: typeof functions = portable(import.meta, functions);
