/** Random sequences of operations, against the plainest queue that there could be. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  InvalidStateError,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueShutDownError,
  TimeoutError,
} from '../../../src/index.ts';
import { putOff } from '../../../src/park/turn.ts';
import { turn } from '../../fixtures/awaiting.ts';
import { traces } from '../../fixtures/queue-traces.ts';

interface Item {
  readonly value: number;
  readonly priority: number;
}

type Order = 'first' | 'last' | 'priority';

/** Who waits, and what has become of it. */
interface Wait {
  outcome: string;
}

class Reference {
  readonly #order: Order;
  capacity: number;
  items: Item[] = [];
  unfinished = 0;
  taken = 0;
  state: 'open' | 'shut' | 'cleared' = 'open';
  getters: Wait[] = [];
  putters: (Wait & { readonly item: Item })[] = [];
  joiners: Wait[] = [];

  constructor(order: Order, capacity: number) {
    this.#order = order;
    this.capacity = capacity;
  }

  put(item: Item): 'put' | 'shut down' | 'full' {
    const put = this.add(item);
    this.settle();
    return put;
  }

  add(item: Item): 'put' | 'shut down' | 'full' {
    if (this.state !== 'open') return 'shut down';
    if (this.putters.length > 0 || this.items.length >= this.capacity) return 'full';
    this.#add(item);
    return 'put';
  }

  get(): string {
    if (this.items.length > 0 && this.getters.length === 0) {
      const value = this.#take();
      this.settle();
      return `got ${value}`;
    }
    return this.state === 'open' ? 'empty' : 'shut down';
  }

  peek(): number | undefined {
    return this.#next()?.value;
  }

  clear(): number {
    const dropped = this.items.length;
    this.items = [];
    this.unfinished -= dropped;
    this.#checkDone();
    this.settle();
    return dropped;
  }

  shutdown(immediate: boolean): void {
    if (this.state !== 'cleared') this.state = immediate ? 'cleared' : 'shut';
    for (const putter of this.putters.splice(0)) putter.outcome = 'shut down';
    for (const getter of this.getters.splice(0)) getter.outcome = 'shut down';
    if (immediate) this.clear();
  }

  taskDone(): boolean {
    if (this.taken === 0) return false;
    this.taken--;
    this.unfinished--;
    this.#checkDone();
    return true;
  }

  /** Whoever waits gets what there is. */
  settle(): void {
    for (;;) {
      if (this.getters.length > 0 && this.items.length > 0) {
        this.getters.shift()!.outcome = `got ${this.#take()}`;
      } else if (this.putters.length > 0 && this.items.length < this.capacity) {
        const putter = this.putters.shift()!;
        this.#add(putter.item);
        putter.outcome = 'put';
      } else return;
    }
  }

  #checkDone(): void {
    if (this.unfinished > 0) return;
    for (const joiner of this.joiners.splice(0)) joiner.outcome = 'joined';
  }

  #add(item: Item): void {
    this.items.push(item);
    this.unfinished++;
  }

  #next(): Item | undefined {
    if (this.#order === 'first') return this.items[0];
    if (this.#order === 'last') return this.items.at(-1);
    return this.items.toSorted((a, b) => a.priority - b.priority)[0];
  }

  #take(): number {
    const item = this.#next()!;
    this.items.splice(this.items.indexOf(item), 1);
    this.taken++;
    return item.value;
  }
}

function outcomeOf(fn: () => unknown): unknown {
  try {
    return fn();
  } catch (error) {
    if (error instanceof QueueShutDownError) return 'shut down';
    if (error instanceof InvalidStateError) return 'too many';
    if (error instanceof TimeoutError) return 'timed out';
    throw error;
  }
}

/** The real one and the reference, side by side. */
class Pair {
  readonly #real: Queue<number>;
  readonly #reference: Reference;
  readonly #order: Order;
  /** What real waits came to, and what they should have. */
  readonly #waits: (readonly [real: Wait, expected: Wait, abort: AbortController])[] = [];
  #value = 0;

  constructor(order: Order, capacity: number) {
    const Class = { first: Queue, last: LifoQueue, priority: PriorityQueue }[order];
    this.#real = new Class<number>({ capacity });
    this.#reference = new Reference(order, capacity);
    this.#order = order;
  }

  put(how: 'try' | 'sync' | 'wait', priority: number): void {
    const value = ++this.#value;
    const options = this.#order === 'priority' ? { priority } : {};
    const item = { value, priority };
    const put = this.#reference.put(item);
    if (how === 'try') {
      const expected = put === 'shut down' ? put : put === 'put';
      expect(outcomeOf(() => this.#real.tryPut(value, options))).toBe(expected);
    } else if (how === 'sync') {
      const expected = put === 'full' ? 'timed out' : put === 'put' ? undefined : put;
      expect(outcomeOf(() => this.#real.putSync(value, { ...options, timeout: 0 }))).toBe(expected);
    } else {
      const wait = { outcome: put === 'full' ? 'waits' : put, item };
      if (put === 'full') this.#reference.putters.push(wait);
      this.#watch((signal) => this.#real.put(value, { ...options, signal }).then(() => 'put'), wait);
    }
  }

  putMany(count: number): void {
    let expected: unknown;
    let done = 0;
    const values: number[] = [];
    for (let n = 0; n < count; n++) values.push(++this.#value);
    for (const value of values) {
      const put = this.#reference.add({ value, priority: 0 });
      if (put !== 'put') {
        expected = put === 'full' ? 'timed out' : put;
        break;
      }
      done++;
    }
    // A getter that waits takes its item once the call has ended, so what was put before it keeps its place till then.
    this.#reference.settle();
    let told: unknown;
    const outcome = outcomeOf(() => {
      try {
        this.#real.putManySync(values, { timeout: 0 });
      } catch (error) {
        told = (error as { count: number }).count;
        throw error;
      }
    });
    expect(outcome).toBe(expected);
    if (expected !== undefined) expect(told).toBe(done);
  }

  get(how: 'try' | 'sync' | 'wait'): void {
    const got = this.#reference.get();
    if (how === 'wait') {
      const wait = { outcome: got === 'empty' ? 'waits' : got };
      if (got === 'empty') this.#reference.getters.push(wait);
      this.#watch((signal) => this.#real.get({ signal }).then((value) => `got ${value}`), wait);
    } else if (how === 'try') {
      const real = outcomeOf(() => {
        const there = this.#real.tryGet();
        return there === undefined ? 'empty' : `got ${there.value}`;
      });
      expect(real).toBe(got);
    } else {
      const real = outcomeOf(() => `got ${this.#real.getSync({ timeout: 0 })}`);
      expect(real).toBe(got === 'empty' ? 'timed out' : got);
    }
  }

  getMany(max: number): void {
    const expected: string[] = [];
    let got = this.#reference.get();
    const first = got;
    while (got.startsWith('got')) {
      expected.push(got);
      if (expected.length === max) break;
      got = this.#reference.get();
    }
    const real = outcomeOf(() => this.#real.getManySync(max, { timeout: 0 }).map((value) => `got ${value}`));
    expect(real).toEqual(expected.length > 0 ? expected : first === 'empty' ? 'timed out' : first);
  }

  join(): void {
    const wait = { outcome: this.#reference.unfinished === 0 ? 'joined' : 'waits' };
    if (wait.outcome === 'waits') this.#reference.joiners.push(wait);
    this.#watch((signal) => this.#real.join({ signal }).then(() => 'joined'), wait);
  }

  abort(which: number): void {
    const waiting = this.#waits.filter(([, expected]) => expected.outcome === 'waits');
    const found = waiting[which % Math.max(waiting.length, 1)];
    if (found === undefined) return;
    const [, expected, controller] = found;
    const { getters, putters, joiners } = this.#reference;
    for (const line of [getters, putters, joiners] as Wait[][]) {
      const index = line.indexOf(expected);
      if (index >= 0) line.splice(index, 1);
    }
    expected.outcome = 'aborted';
    controller.abort('aborted');
    this.#reference.settle();
  }

  setCapacity(capacity: number): void {
    this.#real.capacity = capacity;
    this.#reference.capacity = capacity;
    this.#reference.settle();
  }

  peek(): void {
    expect(this.#real.peek()?.value).toBe(this.#reference.peek());
  }

  clear(): void {
    expect(this.#real.clear()).toBe(this.#reference.clear());
  }

  shutdown(immediate: boolean): void {
    this.#real.shutdown({ immediate });
    this.#reference.shutdown(immediate);
  }

  taskDone(): void {
    const real = outcomeOf(() => this.#real.taskDone());
    expect(real).toBe(this.#reference.taskDone() ? undefined : 'too many');
  }

  check(): void {
    const { items, unfinished, state, getters, putters, joiners, capacity } = this.#reference;
    expect(this.#real.statistics()).toEqual({
      size: items.length,
      bytes: expect.any(Number),
      unfinished,
      getters: getters.length,
      putters: putters.length,
      joiners: joiners.length,
      waiting: getters.length + putters.length + joiners.length,
    });
    expect(this.#real.statistics().bytes === 0).toBe(items.length === 0);
    expect(this.#real.isShutDown).toBe(state !== 'open');
    expect(this.#real.capacity).toBe(capacity);
  }

  async end(): Promise<void> {
    await turn();
    expect(this.#waits.map(([real]) => real.outcome)).toEqual(this.#waits.map(([, { outcome }]) => outcome));
    this.shutdown(true);
    while (this.#reference.taken > 0) this.taskDone();
    await turn();
    expect(this.#waits.map(([real]) => real.outcome)).toEqual(this.#waits.map(([, { outcome }]) => outcome));
    expect(this.#real.statistics()).toMatchObject({ size: 0, bytes: 0, unfinished: 0, waiting: 0 });
    expect(traces(this.#real)).toEqual({ items: 0, parcels: 0, cells: 0 });
    this.#real[Symbol.dispose]();
  }

  #watch(begin: (signal: AbortSignal) => Promise<string>, expected: Wait): void {
    const controller = new AbortController();
    const real = { outcome: 'waits' };
    this.#waits.push([real, expected, controller]);
    begin(controller.signal).then(
      (outcome) => {
        real.outcome = outcome;
      },
      (error: unknown) => {
        real.outcome = error instanceof QueueShutDownError ? 'shut down' : String(error);
      },
    );
  }
}

const way = fc.constantFrom('try' as const, 'sync' as const, 'wait' as const);
const priority = fc.oneof(
  fc.integer({ min: -2, max: 2 }),
  fc.double({ noNaN: true }),
  fc.constantFrom(-0, 0, Infinity, -Infinity),
);

// As data, so that a counterexample can be read.
const operation = fc.oneof(
  { weight: 24, arbitrary: fc.record({ do: fc.constant('put' as const), way, priority }) },
  { weight: 20, arbitrary: fc.record({ do: fc.constant('get' as const), way }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('putMany' as const), count: fc.nat(4) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('getMany' as const), max: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('setCapacity' as const), to: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('peek' as const) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('taskDone' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('join' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('shutdown' as const), immediate: fc.boolean() }) },
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function perform(pair: Pair, asked: Operation): void {
  switch (asked.do) {
    case 'put':
      return pair.put(asked.way, asked.priority);
    case 'get':
      return pair.get(asked.way);
    case 'putMany':
      return pair.putMany(asked.count);
    case 'getMany':
      return pair.getMany(asked.max);
    case 'abort':
      return pair.abort(asked.which);
    case 'setCapacity':
      return pair.setCapacity(asked.to);
    case 'shutdown':
      return pair.shutdown(asked.immediate);
    default:
      return pair[asked.do]();
  }
}

test.each(['first', 'last', 'priority'] as const)(
  'a queue by %s does what the plainest queue would, whatever is asked of it',
  async (order) => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 4 })),
        fc.array(operation, { maxLength: 60 }),
        async (capacity, sequence) => {
          // So that no wait is put off to a later round within the sequence: the reference knows no rounds.
          await new Promise<void>((resolve) => putOff(resolve, false));
          await turn();
          const pair = new Pair(order, capacity);
          for (const asked of sequence) {
            perform(pair, asked);
            // Who was served in this call goes on after it.
            await undefined;
            pair.check();
          }
          await pair.end();
        },
      ),
      { numRuns: 400 },
    );
  },
  60_000,
);
