/**
 * Queues with many producers and consumers, half of them blocked threads and half loops; if wanted, under threads that
 * are terminated at any moment. No item is lost or doubled, but those in the hands of who dies; each consumer gets what a
 * producer has put in its order; at the end no block of memory is left.
 */
import { Worker } from 'node:worker_threads';
import { LifoQueue } from '../../src/queue/lifo-queue.ts';
import { PriorityQueue } from '../../src/queue/priority-queue.ts';
import { Queue } from '../../src/queue/queue.ts';
import { toToken } from '../../src/thread/tokens.ts';
import '../../src/thread/values.ts';
import { bundle } from './bundle.ts';
import { dumpHeap, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';
import type { QueueWork } from './queue-chaos-thread.ts';
import { type Count, Ledger } from './queue-ledger.ts';
import { type Random, seeded } from './random.ts';

export type QueueKind = 'bounded' | 'unbounded' | 'lifo' | 'priority';
export const QUEUE_KINDS: readonly QueueKind[] = ['bounded', 'unbounded', 'lifo', 'priority'];

export interface QueueChaosOptions {
  readonly kind: QueueKind;
  readonly producers?: number;
  readonly consumers?: number;
  /** All together; without a limit it goes on until the time is up. */
  readonly items?: number;
  readonly milliseconds?: number;
  /** Whether a thread is terminated every 50 milliseconds. */
  readonly deaths?: boolean;
}

export interface QueueChaosReport extends Count {
  readonly seed: number;
  readonly kind: QueueKind;
  readonly deadProducers: number;
  readonly deadConsumers: number;
  readonly milliseconds: number;
}

const DEATH_EVERY = 50;
/** So many items a producer puts before it ends, and another takes its place, when they die. */
const ITEMS_OF_A_LIFE = 50_000;
/** At the end, whoever lives comes to an end within. */
const ENDS_WITHIN = 60_000;

function queueOf(kind: QueueKind): Queue<number> {
  if (kind === 'bounded') return new Queue<number>({ capacity: 100 });
  if (kind === 'lifo') return new LifoQueue<number>({ capacity: 1000 });
  if (kind === 'priority') return new PriorityQueue<number>({ capacity: 1000 });
  return new Queue<number>();
}

/** @throws Error for the first item that is lost or doubled, and for whatever is left. */
export async function queueChaos(seed: number, options: QueueChaosOptions): Promise<QueueChaosReport> {
  const before = usedBlocks();
  const records = recordsInUse();
  using thread = await bundle(new URL('./queue-chaos-thread.ts', import.meta.url));
  const chaos = new QueueChaos(seeded(seed), options, thread.file);
  const startedAt = performance.now();
  let count: Count;
  try {
    count = await chaos.run();
  } finally {
    await chaos.end();
  }
  await nothingLeft(before, records);
  const { deadProducers, deadConsumers } = chaos;
  const { kind } = options;
  const milliseconds = Math.round(performance.now() - startedAt);
  const report = { seed, kind, ...count, deadProducers, deadConsumers, milliseconds };
  if (count.lost > deadConsumers || count.inDoubt > deadProducers)
    throw new Error(`More items are lost, or in doubt, than threads died: ${JSON.stringify(report)}`);
  if ((kind === 'bounded' || kind === 'unbounded') && count.disorder > deadConsumers)
    throw new Error(`Items of a producer were got in another order: ${JSON.stringify(report)}`);
  return report;
}

class QueueChaos {
  deadProducers: number = 0;
  deadConsumers: number = 0;
  readonly #random: Random;
  readonly #options: QueueChaosOptions;
  readonly #file: string;
  readonly #queue: Queue<number>;
  readonly #ledger: Ledger;
  readonly #living = new Set<Worker>();
  readonly #dying = new Set<Worker>();
  readonly #each: number;
  #lives = 0;
  #dies = false;
  #fail!: (error: Error) => void;
  readonly #failed: Promise<never>;

  constructor(random: Random, options: QueueChaosOptions, file: string) {
    this.#random = random;
    this.#options = options;
    this.#file = file;
    this.#queue = queueOf(options.kind);
    const { producers = 4, items = Infinity, deaths = false, milliseconds = 0 } = options;
    this.#each = deaths || items === Infinity ? ITEMS_OF_A_LIFE : Math.ceil(items / producers);
    const ends = deaths ? milliseconds / DEATH_EVERY : 0;
    this.#ledger = Ledger.make(Math.ceil(producers + ends + (milliseconds / 1000) * 64), this.#each);
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => {});
  }

  async run(): Promise<Count> {
    const { producers = 4, consumers = 4, deaths = false, milliseconds = Infinity } = this.#options;
    const getting = Array.from({ length: consumers }, (_, slot) => this.#fill('consumer', slot));
    const putting = Array.from({ length: producers }, (_, slot) => this.#fill('producer', slot));
    this.#dies = deaths;
    const killing = deaths ? setInterval(() => this.#kill(), DEATH_EVERY) : undefined;
    const time = milliseconds === Infinity ? undefined : setTimeout(() => this.#ledger.stop(), milliseconds);
    try {
      if (deaths) await this.#within(milliseconds, new Promise(() => {}));
      this.#dies = false;
      clearInterval(killing);
      if (deaths) this.#ledger.stop();
      await this.#inTime(Promise.all(putting));
      this.#queue.shutdown();
      await this.#inTime(Promise.all(getting));
    } finally {
      clearInterval(killing);
      clearTimeout(time);
    }
    const { size, unfinished, waiting } = this.#queue.statistics();
    if (size + unfinished + waiting > 0)
      throw new Error(`${size} items, ${unfinished} unfinished, ${waiting} waits are left\n${dumpHeap()}`);
    return this.#ledger.count();
  }

  /** Ends whoever still lives, and frees the queue. */
  async end(): Promise<void> {
    for (const worker of this.#living) await worker.terminate();
    this.#queue[Symbol.dispose]();
  }

  #within(milliseconds: number, done: Promise<unknown>): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const time = new Promise((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    return Promise.race([done, time, this.#failed]).finally(() => clearTimeout(timer));
  }

  /** Whoever does not come to an end hangs: it must have made progress within a minute. */
  async #inTime(done: Promise<unknown>): Promise<void> {
    let over = false;
    const ended = done.then(() => {
      over = true;
    });
    let seen = -1;
    while (!over) {
      await this.#within(ENDS_WITHIN, ended);
      this.#ledger.check();
      const now = this.#put();
      if (!over && now === seen)
        throw new Error(
          `Threads hang: ${JSON.stringify(this.#queue.statistics())}, ${now} put\n${dumpHeap()}`,
        );
      seen = now;
    }
  }

  #put(): number {
    let put = 0;
    for (let life = 0; life < Math.min(this.#lives, this.#ledger.shape.lives); life++)
      put += this.#ledger.put(life);
    return put;
  }

  async #fill(role: 'producer' | 'consumer', slot: number): Promise<void> {
    let again: boolean;
    do {
      const died = await this.#live(role, slot);
      // Consumers go on to the end; producers until they are told to stop.
      again = role === 'consumer' ? died : this.#dies && !this.#ledger.stopped;
    } while (again);
  }

  /** One thread; whether it was terminated. */
  async #live(role: 'producer' | 'consumer', slot: number): Promise<boolean> {
    const life = role === 'producer' ? this.#lives++ : -1;
    if (life >= this.#ledger.shape.lives) throw new Error('more producers than there is room for');
    const work: QueueWork = {
      queue: toToken(this.#queue),
      ledger: this.#ledger.shape,
      role,
      mode: slot % 2 === 0 ? 'sync' : 'async',
      life,
      items: this.#each,
      pause: this.#options.kind === 'unbounded' ? 20_000 : Infinity,
    };
    const worker = new Worker(this.#file, { workerData: work, stdout: true, stderr: true });
    this.#living.add(worker);
    worker.once('error', (error) =>
      this.#fail(new Error(`A ${role} failed: ${error.stack}`, { cause: error })),
    );
    await new Promise((resolve) => worker.once('exit', resolve));
    this.#living.delete(worker);
    const died = this.#dying.delete(worker);
    if (died && role === 'producer') this.deadProducers++;
    if (died && role === 'consumer') this.deadConsumers++;
    return died;
  }

  #kill(): void {
    const living = [...this.#living].filter((worker) => !this.#dying.has(worker));
    if (living.length === 0) return;
    const worker = this.#random.pick(living);
    this.#dying.add(worker);
    void worker.terminate();
  }
}
