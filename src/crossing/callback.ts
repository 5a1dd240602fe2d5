import { markCarried, provideCarrier } from '../codec/carriers.ts';
import type { Companion } from '../codec/wire.ts';
import { checkBoolean, checkFunction, checkName, checkOptions } from '../core/arguments.ts';
import { InvalidStateError } from '../core/errors.ts';
import { type Future, ignoreErrorOf } from '../executor/future.ts';
import { inNextTurn } from '../park/turn.ts';
import { captureContext } from '../platform/context.ts';
import { report } from '../platform/report.ts';
import { Queue } from '../queue/queue.ts';
import { isThenable } from '../scope/call.ts';
import { outside } from '../scope/outside.ts';
import { Event } from '../sync/event.ts';
import { Announcement, anotherOfFuture } from './announcement.ts';
import { type Keep, Lease } from './lease.ts';

/** So long calls are made in one go before the loop does anything else, if there are still more. */
const ROUND_MS = 5;
/** So many are made between two looks at the clock. */
const UNTIMED = 64;

export interface CallbackOptions {
  /** Only the newest call counts: one that has not been made yet when the next comes is dropped. False by default. */
  readonly latest?: boolean | undefined;
  /** For messages; by default that of the function. */
  readonly name?: string | undefined;
}

/** What a callback is in other threads. */
interface CallbackData {
  readonly calls: Queue<unknown[]>;
  /** Set when there are calls. */
  readonly called: Event;
  readonly latest: boolean;
  readonly name: string;
  readonly keep: Keep;
  /** Pending as long as somebody there takes the calls. */
  readonly open: Future<unknown>;
}

interface Callback {
  readonly fn: (...args: unknown[]) => unknown;
  readonly latest: boolean;
  readonly name: string;
  readonly inContext: ReturnType<typeof captureContext>;
}

const callbacks = new WeakMap<object, Callback>();
/** Those of other threads. */
const received = new WeakMap<object, CallbackData>();

/**
 * A function that other threads can call and that runs here: progress, log lines, news of a job. Pass what it gives as an
 * argument, or inside one; there it is a function of the same arguments which gives nothing back.
 *
 * - **One way.** A call does not wait, and is not answered. Its arguments are encoded at the call: what cannot be sent is refused
 *   there.
 * - **Where it runs**: on the loop that made it, in the context (`AsyncLocalStorage`) in which it was made.
 * - **Ordering**: the calls of one thread run in order. Those of a job have all run before its future settles, and so have
 *   those that jobs made which it awaited. What a cancelled job still calls is dropped.
 * - **Memory**: calls wait in shared memory until the loop comes to them. With `latest` at most one does: for progress.
 * - **Errors**: one that the function throws is reported, as a warning with the code `HEDDLE_CALLBACK_ERROR`; whoever called
 *   goes on.
 * - **Death** or end of the loop that made it: a call throws `InvalidStateError`.
 * - **Keep-alive**: it keeps no process up; the job that calls it does.
 * - **Cost**: a queue, an event and two futures of its own each time it is sent, some 150 µs; a call costs as much as an item of a queue.
 *
 * @throws TypeError
 *
 * @example
 * ```ts
 * import { callback, toThread } from 'heddle';
 *
 * const sum = (numbers: number[], progress: (share: number) => void): number => {
 *   let total = 0;
 *   for (const [index, number] of numbers.entries()) {
 *     total += number;
 *     progress((index + 1) / numbers.length);
 *   }
 *   return total;
 * };
 *
 * const seen: number[] = [];
 * console.log(await toThread(sum, [1, 2, 3, 4], callback((share: number) => seen.push(share)))); // 10
 * console.log(seen); // [ 0.25, 0.5, 0.75, 1 ]
 * ```
 */
export function callback<A extends unknown[]>(
  fn: (...args: A) => unknown,
  options?: CallbackOptions,
): (...args: A) => void {
  checkFunction(fn, 'fn');
  const { latest, name } = checkOptions(options);
  const made: Callback = {
    fn: fn as (...args: unknown[]) => unknown,
    latest: checkBoolean(latest, 'latest'),
    name: checkName(name) ?? fn.name,
    inContext: captureContext(),
  };
  const here = (...args: A): void => call(made, args);
  return known(here, made.name, (wrapper) => callbacks.set(wrapper, made));
}

function known<F extends object>(wrapper: F, name: string, note: (wrapper: F) => void): F {
  Object.defineProperty(wrapper, 'name', { value: name, configurable: true });
  note(wrapper);
  markCarried(wrapper, 'callback');
  return wrapper;
}

function call({ fn, name, inContext }: Callback, args: unknown[]): void {
  const failed = (error: unknown): void => report('HEDDLE_CALLBACK_ERROR', `${describe(name)} threw`, error);
  try {
    const given = inContext(() => fn(...args));
    if (isThenable(given)) given.then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

function describe(name: string): string {
  return name === '' ? 'A callback' : `Callback "${name}"`;
}

/** Takes the calls of those to whom a callback was sent once. */
class Calls implements Companion {
  readonly data: CallbackData;
  readonly #callback: Callback;
  readonly #calls = new Queue<unknown[]>();
  readonly #called = new Event();
  readonly #open = new Announcement();
  readonly #lease: Lease;
  #isOver = false;
  /** Calls that come now are dropped. */
  #isUnwanted = false;

  constructor(made: Callback) {
    this.#callback = made;
    this.#lease = new Lease(() => this.#end());
    const { latest, name } = made;
    const open = this.#open.future();
    this.data = { calls: this.#calls, called: this.#called, latest, name, keep: this.#lease.keep, open };
    outside(() => void this.#serve());
  }

  [Symbol.dispose](): void {
    this.data.open[Symbol.dispose]();
    this.#lease[Symbol.dispose]();
  }

  /** Makes all calls that have come; not those that come meanwhile, which may be without end. */
  settling(): void {
    if (!this.#isOver) this.#make(this.#calls.size);
  }

  withdrawn(): void {
    this.#isUnwanted = true;
  }

  /** Makes so many, if there are as many. */
  #make(calls: number): void {
    for (let left = calls; left > 0; left--) {
      const next = this.#next();
      if (next === undefined) return;
      if (!this.#isUnwanted) call(this.#callback, next.value);
    }
  }

  /** Makes calls for a while: whoever calls all the time must not have the loop for itself. */
  #round(): void {
    const end = performance.now() + ROUND_MS;
    do this.#make(UNTIMED);
    while (this.#calls.size > 0 && performance.now() < end);
  }

  /** One that cannot be had here is reported, and the others are made. */
  #next(): { readonly value: unknown[] } | undefined {
    for (;;) {
      try {
        return this.#calls.tryGet();
      } catch (error) {
        report('HEDDLE_CALLBACK_ERROR', `Cannot receive a call of ${describe(this.#callback.name)}`, error);
      }
    }
  }

  async #serve(): Promise<void> {
    while (!this.#isOver) {
      await this.#called.wait({ keepAlive: false });
      if (this.#isOver) break;
      // Before the look: what comes after it sets it again.
      this.#called.clear();
      this.#round();
      if (this.#calls.size === 0) continue;
      this.#called.set();
      await new Promise<void>(inNextTurn);
    }
    for (const one of [this.#calls, this.#called, this.#open]) one[Symbol.dispose]();
  }

  /** Nobody can call it any more. */
  #end(): void {
    this.settling();
    this.#isOver = true;
    this.#called.set();
  }
}

provideCarrier({
  name: 'callback',
  takeApart(wrapper) {
    const there = received.get(wrapper);
    if (there !== undefined) {
      const open = anotherOfFuture(there.open);
      return { data: { ...there, open } satisfies CallbackData, companion: open };
    }
    const calls = new Calls(callbacks.get(wrapper)!);
    return { data: calls.data, companion: calls };
  },
  make(data) {
    const there = data as CallbackData;
    const { calls, called, latest, name, open } = there;
    ignoreErrorOf(open);
    const away = (...args: unknown[]): void => {
      if (open.status !== 'pending')
        throw new InvalidStateError(`Cannot call ${describe(name)}: the loop that made it has ended`);
      if (latest) calls.clear();
      calls.tryPut(args);
      called.set();
    };
    return known(away, name, (wrapper) => received.set(wrapper, there));
  },
});
