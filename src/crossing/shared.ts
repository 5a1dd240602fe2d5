import { provideCarrier } from '../codec/carriers.ts';
import { type Future, ignoreErrorOf } from '../executor/future.ts';
import { Announcement, addressOfFuture, anotherOfFuture } from './announcement.ts';
import { freezeDeep } from './freeze.ts';
import { OwnObjects } from './own-objects.ts';

interface SharedData {
  /** Has the value, encoded. */
  readonly value: Future<unknown>;
  /** Pending as long as whoever made it has it. */
  readonly maker: Future<unknown>;
}

/** Where the value is had from in this thread. */
interface Source {
  read(): unknown;
  /** To be sent. */
  takeApart(): SharedData;
  dispose(): void;
}

/** Those of other threads, by the address of the value, as long as their maker has them: each is decoded once. */
const received = new Map<number, Shared<unknown>>();

/** Those that were made here. */
const own = new OwnObjects<Shared<unknown>>();

let sourceOf: (shared: Shared<unknown>) => Source;

/**
 * A value that all threads read, such as a lookup table or a configuration: encoded once, when it is made, and decoded once in each
 * thread that asks for it, however many jobs it is passed to.
 *
 * - **Frozen**: what `get()` gives is a copy, frozen as deeply as it goes, and the same at each call. Elements of typed arrays
 *   cannot be frozen: do not write to them.
 * - **Scope**: shared. It may be passed to any thread, and inside any value.
 * - **Memory**: the encoded form once, and the copy of each thread that has asked, until its maker gives it up (`using`,
 *   `[Symbol.dispose]()`, or collection), and then until nobody has it.
 * - **Death** of its maker changes nothing for others.
 *
 * @throws {SendError} from the constructor, if the value cannot be sent.
 *
 * @example
 * ```ts
 * import { Shared, ThreadPoolExecutor } from 'heddle';
 *
 * const rates = new Shared(new Map([['DE', 0.19], ['FR', 0.2]]));
 * await using pool = new ThreadPoolExecutor({ threads: 2 });
 * const tax = (table: Shared<ReadonlyMap<string, number>>, country: string, net: number): number =>
 *   net * table.get().get(country)!;
 * console.log(await pool.submit(tax, rates, 'FR', 100)); // 20
 * ```
 */
export class Shared<T> implements Disposable {
  readonly #source: Source;
  #value: { readonly value: T } | undefined;

  static {
    sourceOf = (shared) => shared.#source;
  }

  constructor(value: T) {
    this.#source = value instanceof Received ? value : new Made(value, this);
  }

  /** The value, frozen. */
  get(): T {
    this.#value ??= { value: freezeDeep(this.#source.read()) as T };
    return this.#value.value;
  }

  /** Gives it up: it cannot be sent from here any more. What was sent stays, and so does what `get()` gave. */
  [Symbol.dispose](): void {
    this.#source.dispose();
  }
}

/** Of the thread that made it. */
class Made implements Source {
  readonly #value = new Announcement();
  /** Nothing is ever said by it, but that its maker is gone. */
  readonly #maker = new Announcement();

  constructor(value: unknown, shared: Shared<unknown>) {
    try {
      this.#value.say(value);
      own.note(this.#value.address, shared);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  read(): unknown {
    return this.#value.read();
  }

  takeApart(): SharedData {
    return { value: this.#value.future(), maker: this.#maker.future() };
  }

  dispose(): void {
    this.#value[Symbol.dispose]();
    this.#maker[Symbol.dispose]();
  }
}

/** Of another. */
class Received implements Source {
  readonly #data: SharedData;

  constructor(data: SharedData) {
    this.#data = data;
  }

  read(): unknown {
    return this.#data.value.tryResult()!.value;
  }

  takeApart(): SharedData {
    const { value, maker } = this.#data;
    return { value: anotherOfFuture(value), maker: anotherOfFuture(maker) };
  }

  dispose(): void {
    const { value, maker } = this.#data;
    received.delete(addressOfFuture(value));
    value[Symbol.dispose]();
    maker[Symbol.dispose]();
  }
}

provideCarrier<Shared<unknown>>(
  {
    name: 'shared',
    takeApart(shared) {
      const data = sourceOf(shared).takeApart();
      const dispose = (): void => {
        data.value[Symbol.dispose]();
        data.maker[Symbol.dispose]();
      };
      return { data, companion: { [Symbol.dispose]: dispose } };
    },
    make(data) {
      const there = data as SharedData;
      const address = addressOfFuture(there.value);
      const known = own.at(address) ?? received.get(address);
      if (known !== undefined) {
        for (const future of [there.value, there.maker]) future[Symbol.dispose]();
        return known;
      }
      const shared = new Shared<unknown>(new Received(there));
      ignoreErrorOf(there.maker);
      if (there.maker.status !== 'pending') return shared;
      received.set(address, shared);
      there.maker.addDoneCallback(() => received.delete(address));
      return shared;
    },
  },
  Shared,
);
