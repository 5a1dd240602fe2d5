/** What an actor does, wherever it is: one wait for one object, the forms alike. */
import {
  type Condition,
  type Guard,
  isCancelled,
  type Lock,
  type Once,
  portable,
  type RLock,
} from '../../../src/index.ts';
import { raised } from '../lock-like-jobs.ts';

export type Form = 'async' | 'sync';

/** Counts the actors that got what they waited for; behind it stand the words of each. */
export const COUNT = 0;
/** Of an actor: it is about to wait; the how-manyeth it was to be served; it may go on; how it has ended. */
export const BEGUN = 1;
export const GOT = 2;
export const GO_ON = 3;
export const ENDED = 4;
export const WORDS_EACH = 5;

export const SERVED = 1;
export const FAILED = 2;

/** By which an actor is told, and tells. */
export interface Desk {
  readonly form: Form;
  readonly words: Int32Array;
  readonly at: number;
  /** Aborts its wait by a signal when it may go on. */
  readonly aborts?: boolean;
}

export type Outcome = { readonly value: unknown } | { readonly code: string };
type Options = Readonly<Record<string, unknown>>;
type Waits = Readonly<Record<string, (...args: unknown[]) => unknown>>;

function say({ words, at }: Desk, index: number, value: number): void {
  Atomics.store(words, at + index, value);
  Atomics.notify(words, at + index);
}

function sayGot(desk: Desk): void {
  say(desk, GOT, Atomics.add(desk.words, COUNT, 1) + 1);
}

async function untilGoOn({ form, words, at }: Desk): Promise<void> {
  if (form === 'sync') Atomics.wait(words, at + GO_ON, 0);
  else await raised(words, at + GO_ON);
}

export function codeOf(error: unknown): string {
  if (isCancelled(error)) return 'ERR_HEDDLE_CANCELLED';
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name ?? error);
}

/** Whatever becomes of it, the desk says so at the end. */
async function perform(desk: Desk, work: () => unknown): Promise<Outcome> {
  say(desk, BEGUN, 1);
  try {
    const value = await work();
    say(desk, ENDED, SERVED);
    return { value };
  } catch (error) {
    say(desk, ENDED, FAILED);
    return { code: codeOf(error) };
  }
}

/** Calls the form of a method that the desk asks for. The blocking one without an await before it. */
function call(desk: Desk, object: object, method: string, args: readonly unknown[]): unknown {
  const waits = object as Waits;
  if (desk.form === 'sync') return waits[`${method}Sync`]!(...args);
  if (desk.aborts !== true) return waits[method]!(...args);
  const controller = new AbortController();
  void raised(desk.words, desk.at + GO_ON).then(() => controller.abort());
  return waits[method]!(...args.slice(0, -1), { ...(args.at(-1) as Options), signal: controller.signal });
}

/** Waits once, and gives what that gave. */
function wait(desk: Desk, object: object, method: string, args: readonly unknown[]): Promise<Outcome> {
  return perform(desk, async () => {
    const value = await call(desk, object, method, args);
    sayGot(desk);
    return value;
  });
}

/** Acquires, has it until it may go on, and releases it. */
function hold(desk: Desk, object: object, method: string, options: Options): Promise<Outcome> {
  return perform(desk, async () => {
    const guard = (await call(desk, object, method, [options])) as Guard;
    try {
      sayGot(desk);
      await untilGoOn(desk);
    } finally {
      guard.release();
    }
  });
}

/** Acquires and releases at once. */
function pass(desk: Desk, object: object, method: string, options: Options): Promise<Outcome> {
  return perform(desk, async () => {
    const guard = (await call(desk, object, method, [options])) as Guard;
    sayGot(desk);
    guard.release();
  });
}

/** Puts one after the other, until that fails: gives how many were put, and why it ended. */
function putAll(desk: Desk, queue: object, items: readonly unknown[]): Promise<Outcome> {
  return perform(desk, async () => {
    let count = 0;
    try {
      for (const item of items) {
        await call(desk, queue, 'put', [item]);
        count++;
      }
    } catch (error) {
      return [count, codeOf(error)];
    }
    sayGot(desk);
    return [count, ''];
  });
}

/** Takes until the queue is shut down, and marks each as done: gives what it took. */
function takeAll(desk: Desk, queue: object): Promise<Outcome> {
  return perform(desk, async () => {
    const items: unknown[] = [];
    if (desk.form === 'sync') {
      const { valuesSync, taskDone } = queue as { valuesSync(): Iterable<unknown>; taskDone(): void };
      for (const item of valuesSync.call(queue)) {
        items.push(item);
        taskDone.call(queue);
      }
    } else {
      for await (const item of queue as AsyncIterable<unknown>) {
        items.push(item);
        (queue as unknown as { taskDone(): void }).taskDone();
      }
    }
    return items;
  });
}

/** Takes the first of a loop over the queue and leaves it: gives that. */
function takeFirst(desk: Desk, queue: object): Promise<Outcome> {
  return perform(desk, async () => {
    if (desk.form === 'sync') {
      const { valuesSync } = queue as { valuesSync(): Iterable<unknown> };
      for (const item of valuesSync.call(queue)) return item;
    } else {
      for await (const item of queue as AsyncIterable<unknown>) return item;
    }
    return undefined;
  });
}

/** Gets so many, waits until it may go on, and marks them as done. */
function getAndMark(desk: Desk, queue: object, n: number): Promise<Outcome> {
  return perform(desk, async () => {
    const items: unknown[] = [];
    for (let i = 0; i < n; i++) items.push(await call(desk, queue, 'get', []));
    sayGot(desk);
    await untilGoOn(desk);
    for (let i = 0; i < n; i++) (queue as unknown as { taskDone(): void }).taskDone();
    return items;
  });
}

/** Gets from one queue and puts into the other, one more each time, so often. */
function relay(desk: Desk, from: object, to: object, times: number): Promise<Outcome> {
  return perform(desk, async () => {
    for (let time = 0; time < times; time++) {
      const ball = (await call(desk, from, 'get', [])) as number;
      await call(desk, to, 'put', [ball + 1]);
    }
  });
}

/** Passes a barrier so often: gives its numbers. Before each pass it adds 1 to its word, after it all are as far. */
function march(desk: Desk, barrier: object, steps: Int32Array, me: number, times: number): Promise<Outcome> {
  return perform(desk, async () => {
    const numbers: number[] = [];
    for (let time = 1; time <= times; time++) {
      Atomics.store(steps, me, time);
      numbers.push((await call(desk, barrier, 'wait', [])) as number);
      if (steps.some((step) => step < time || step > time + 1)) throw new Error(`Out of step: ${steps}`);
    }
    return numbers;
  });
}

/** A notification, awaited with the lock, which it has until it may go on. Gives whether its guard had the lock then. */
function awaitNotification(desk: Desk, condition: Condition, options: Options): Promise<Outcome> {
  return perform(desk, async () => {
    const guard = (await call({ ...desk, aborts: false }, condition.lock, 'acquire', [])) as Guard;
    say(desk, BEGUN, 2);
    try {
      await call(desk, condition, 'wait', [guard, options]);
      sayGot(desk);
      await untilGoOn(desk);
    } finally {
      // Throws if the wait has come back without the lock.
      guard.release();
    }
    return 'notified';
  });
}

/** Acquires the lock, and waits until a word has that value. Gives what the predicate gave, and how often it was asked. */
function awaitWord(
  desk: Desk,
  condition: Condition,
  word: Int32Array,
  least: number,
  options: Options,
): Promise<Outcome> {
  return perform(desk, async () => {
    const guard = (await call(desk, condition.lock, 'acquire', [])) as Guard;
    let asked = 0;
    try {
      const value = await call(desk, condition, 'waitFor', [
        guard,
        () => {
          asked++;
          return Atomics.load(word, 0) >= least ? 'enough' : '';
        },
        options,
      ]);
      sayGot(desk);
      return [value, asked];
    } finally {
      guard.release();
    }
  });
}

/** Waits for the first of two sources. Gives its key and value. */
function selectOf(desk: Desk, sources: object, options: Options): Promise<Outcome> {
  return perform(desk, async () => {
    const { select, selectSync } = await import('../../../src/index.ts');
    const found = await (desk.form === 'sync'
      ? selectSync(sources as Record<string, object>, options)
      : select(sources as Record<string, object>, options));
    sayGot(desk);
    return [(found as { key: unknown }).key, (found as { value: unknown }).value];
  });
}

/** Adds 1 to a word in two steps, so often, under the lock. */
function count(desk: Desk, lock: object, method: string, word: Int32Array, times: number): Promise<Outcome> {
  return perform(desk, async () => {
    for (let time = 0; time < times; time++) {
      const guard = (await call(desk, lock, method, [])) as Guard;
      const before = word[0]!;
      if (desk.form === 'async') await undefined;
      word[0] = before + 1;
      guard.release();
    }
  });
}

/** What another thread finds: without waiting. */
function has(object: object, method: string): boolean {
  const found = (object as Waits)[method]!();
  (found as Guard | undefined)?.release();
  return found !== undefined;
}

/** Calls something there that does not wait, and gives the code of its error, or `''`. */
function attempt(object: object, method: string, args: readonly unknown[]): string {
  try {
    (object as Waits)[method]!(...args);
    return '';
  } catch (error) {
    return codeOf(error);
  }
}

/** An action of barriers. */
const runs = new Int32Array(new SharedArrayBuffer(4));

function act(): void {
  Atomics.add(runs, 0, 1);
}

function failToAct(): void {
  throw new RangeError('on purpose');
}

/** How often the action has run in that thread. */
function countActs(): number {
  return Atomics.load(runs, 0);
}

/** Holds the lock twice (as often as it can be had again), and waits until it may go on. */
function holdTwice(desk: Desk, lock: Lock): Promise<Outcome> {
  return perform(desk, async () => {
    const outer = (await call(desk, lock, 'acquire', [])) as Guard;
    const inner = (await call(
      desk,
      lock,
      'acquire',
      desk.form === 'sync' ? [] : [{ within: outer }],
    )) as Guard;
    sayGot(desk);
    await untilGoOn(desk);
    outer.release();
    const lockedByInner = lock.locked;
    inner.release();
    return lockedByInner;
  });
}

/** Waits for a notification with the second of two guards of an RLock. Gives whether it was locked after each release. */
function awaitHeldTwice(desk: Desk, condition: Condition<RLock>): Promise<Outcome> {
  return perform(desk, async () => {
    const { lock } = condition;
    const outer = (await call(desk, lock, 'acquire', [])) as Guard;
    const inner = (await call(
      desk,
      lock,
      'acquire',
      desk.form === 'sync' ? [] : [{ within: outer }],
    )) as Guard;
    await call(desk, condition, 'wait', [inner]);
    sayGot(desk);
    inner.release();
    const first = lock.locked;
    outer.release();
    return [first, lock.locked];
  });
}

/** Runs it once: its function adds 1 to a word, and has it until the actor may go on. Then it may fail. */
function runOnce(
  desk: Desk,
  once: Once,
  word: Int32Array,
  fails: boolean,
  options: Options,
): Promise<Outcome> {
  return perform(desk, async () => {
    const end = (): void => {
      if (fails) throw new RangeError('on purpose');
      Atomics.add(word, 0, 1);
    };
    if (desk.form === 'sync') {
      once.runSync(() => {
        sayGot(desk);
        Atomics.wait(desk.words, desk.at + GO_ON, 0);
        end();
      }, options);
    } else {
      await once.run(async () => {
        sayGot(desk);
        await untilGoOn(desk);
        end();
      }, options);
    }
    return Atomics.load(word, 0);
  });
}

interface Jobs {
  readonly wait: typeof wait;
  readonly hold: typeof hold;
  readonly pass: typeof pass;
  readonly putAll: typeof putAll;
  readonly takeAll: typeof takeAll;
  readonly takeFirst: typeof takeFirst;
  readonly getAndMark: typeof getAndMark;
  readonly relay: typeof relay;
  readonly march: typeof march;
  readonly awaitNotification: typeof awaitNotification;
  readonly awaitWord: typeof awaitWord;
  readonly runOnce: typeof runOnce;
  readonly awaitHeldTwice: typeof awaitHeldTwice;
  readonly selectOf: typeof selectOf;
  readonly count: typeof count;
  readonly has: typeof has;
  readonly attempt: typeof attempt;
  readonly act: typeof act;
  readonly failToAct: typeof failToAct;
  readonly countActs: typeof countActs;
  readonly holdTwice: typeof holdTwice;
}

export const jobs: Jobs = portable(import.meta, {
  wait,
  hold,
  pass,
  putAll,
  takeAll,
  takeFirst,
  getAndMark,
  relay,
  march,
  awaitNotification,
  awaitWord,
  runOnce,
  awaitHeldTwice,
  selectOf,
  count,
  has,
  attempt,
  act,
  failToAct,
  countActs,
  holdTwice,
});
