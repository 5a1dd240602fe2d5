/** What the tests of values that are more than data run in threads. */
import {
  callback,
  cancelled,
  type Event,
  portable,
  type Queue,
  registerClass,
  Shared,
  shield,
  sleep,
} from '../../../src/index.ts';

export class Point {
  readonly x: number;
  readonly y: number;
  /** Another, or itself. */
  next: Point | undefined;

  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }

  get length(): number {
    return Math.hypot(this.x, this.y);
  }
}

export class Secret {
  readonly #word: string;

  constructor(word: string) {
    this.#word = word;
  }

  reveal(): string {
    return this.#word;
  }

  static readonly codec = {
    encode: (secret: Secret): { word: string } => ({ word: secret.#word }),
    decode: ({ word }: { word: string }): Secret => new Secret(word),
  };
}

class QuotaError extends Error {
  override readonly name = 'QuotaError';
  readonly left: number;

  constructor(left: number) {
    super(`${left} left`);
    this.left = left;
  }
}

/** Not exported: it is known by its registration alone. */
export const makeQuotaError = (left: number): Error => new QuotaError(left);

registerClass(import.meta, Point);
registerClass(import.meta, Secret, Secret.codec);
registerClass(import.meta, QuotaError);

const functions = {
  lengthOf(point: Point): number {
    return point.length;
  },

  isPoint(point: unknown): boolean {
    return point instanceof Point && point.next === point;
  },

  scaled(point: Point, by: number): Point {
    return new Point(point.x * by, point.y * by);
  },

  loop(): Point {
    const point = new Point(1, 2);
    point.next = point;
    return point;
  },

  reveal(secret: Secret): string {
    return secret.reveal();
  },

  hide(word: string): { readonly secrets: Secret[] } {
    return { secrets: [new Secret(word), new Secret(`${word}!`)] };
  },

  overdraw(left: number): never {
    throw new QuotaError(left);
  },

  isQuotaError(error: unknown): boolean {
    return error instanceof QuotaError && error.left === 7;
  },

  makePointBy(type: typeof Point): number {
    return new type(3, 4).length;
  },

  // Signals

  async untilAborted(signal: AbortSignal, listening?: Event): Promise<unknown> {
    if (!signal.aborted) {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve());
        listening?.set();
      });
    }
    return signal.reason;
  },

  spinUntilAborted(signal: AbortSignal, began: Event): string {
    began.set();
    while (!signal.aborted);
    return (signal.reason as Error).message;
  },

  spinUntilThrown(signal: AbortSignal, began: Event): never {
    began.set();
    for (;;) signal.throwIfAborted();
  },

  areSame(one: AbortSignal, other: AbortSignal): boolean {
    return one === other;
  },

  sameSignal(signal: AbortSignal): AbortSignal {
    return signal;
  },

  signalWithin(ms: number): AbortSignal {
    return AbortSignal.timeout(ms);
  },

  // Callbacks

  count(to: number, tell: (n: number) => void): string {
    for (let n = 1; n <= to; n++) tell(n);
    return 'counted';
  },

  async countSlowly(to: number, tell: (n: number) => void): Promise<string> {
    for (let n = 1; n <= to; n++) {
      tell(n);
      await sleep(1);
    }
    return 'counted';
  },

  countAndFail(to: number, tell: (n: number) => void): never {
    for (let n = 1; n <= to; n++) tell(n);
    throw new RangeError('too far');
  },

  tellUnsendable(tell: (value: unknown) => void): string {
    try {
      tell(new WeakMap());
      return 'told';
    } catch (error) {
      return (error as Error).message;
    }
  },

  async tellUntilCancelled(tell: (n: number) => void, seen: Event): Promise<void> {
    tell(1);
    seen.set();
    while (!cancelled());
    tell(2);
  },

  tellAndExit(tell: (n: number) => void): never {
    tell(1);
    process.exit(3);
  },

  keepForLater(tell: (n: number) => void, go: Event): void {
    void go.wait({ keepAlive: true }).then(() => tell(42));
  },

  passOn(tells: { readonly tell: (n: number) => void }): (n: number) => void {
    return tells.tell;
  },

  makeCallback(): (n: number) => void {
    return callback((_n: number) => {});
  },

  // Tables

  lookUp(table: Shared<ReadonlyMap<string, number>>, key: string): number | undefined {
    return table.get().get(key);
  },

  sameTable(tables: readonly Shared<object>[], before: Queue<number>): boolean {
    const [one, other] = tables.map((table) => table.get());
    const known = globalThis as { heddleTable?: object };
    const isKnown = known.heddleTable === one;
    known.heddleTable = one!;
    before.tryPut(isKnown ? 1 : 0);
    return one === other;
  },

  changeTable(table: Shared<{ list: number[] }>): string {
    try {
      table.get().list.push(4);
      return 'changed';
    } catch (error) {
      return (error as Error).name;
    }
  },

  makeTable(): Shared<{ readonly made: string }> {
    return new Shared({ made: 'there' });
  },

  // Iterables

  async sum(items: AsyncIterable<number>): Promise<number> {
    let total = 0;
    for await (const item of items) total += item;
    return total;
  },

  sumSync(items: Iterable<number>): number {
    let total = 0;
    for (const item of items) total += item;
    return total;
  },

  async firstOf(items: AsyncIterable<number>, count: number): Promise<number[]> {
    const taken: number[] = [];
    for await (const item of items) if (taken.push(item) === count) break;
    return taken;
  },

  readNothing(_items: AsyncIterable<number>): string {
    return 'nothing';
  },

  async *numbers(to: number, closed?: Event): AsyncGenerator<number> {
    try {
      for (let n = 1; n <= to; n++) yield n;
    } finally {
      await sleep(0);
      closed?.set();
    }
  },

  *numbersSync(to: number, closed?: Event): Generator<number> {
    try {
      for (let n = 1; n <= to; n++) yield n;
    } finally {
      closed?.set();
    }
  },

  async *counted(to: number): AsyncGenerator<number, string> {
    for (let n = 1; n <= to; n++) yield n;
    return `${to} in all`;
  },

  async lastOf(items: AsyncIterable<number>): Promise<unknown> {
    const iterator = items[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = (await iterator.next()) as IteratorResult<number, unknown>;
      if (done === true) return value;
    }
  },

  /** Does not heed its cancellation. */
  async untouchable(began: Event, go: Event, closed: Event): Promise<AsyncIterable<number>> {
    began.set();
    await shield(() => go.wait());
    const iterator: AsyncIterator<number> = {
      next: async () => ({ value: 1, done: false }),
      return: async () => {
        closed.set();
        return { value: undefined, done: true };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  },

  async *failingNumbers(to: number): AsyncGenerator<number> {
    for (let n = 1; n <= to; n++) yield n;
    throw new RangeError('no more');
  },

  async *doubled(items: AsyncIterable<number>): AsyncGenerator<number> {
    for await (const item of items) yield 2 * item;
  },

  doubledStream(stream: ReadableStream<number>): ReadableStream<number> {
    return stream.pipeThrough(
      new TransformStream<number, number>({
        transform: (n, controller) => controller.enqueue(2 * n),
      }),
    );
  },

  async readOneAndExit(items: AsyncIterable<number>): Promise<never> {
    for await (const _ of items) process.exit(4);
    throw new Error('There was none');
  },

  exitAfter(count: number): AsyncIterable<number> {
    return {
      async *[Symbol.asyncIterator]() {
        for (let n = 1; n <= count; n++) yield n;
        await sleep(5);
        process.exit(5);
      },
    };
  },
};

export const jobs: typeof functions = portable(import.meta, functions);
