/**
 * A service in a thread of its own: it takes orders from a queue, has a pool of threads do the heavy part of each, and keeps
 * the books, which nobody else can touch. Then it is stopped without losing one.
 *
 *     npm exec -- node examples/loops.ts --orders 40 --threads 2
 */
import { parseArgs } from 'node:util';
import {
  currentThread,
  EventLoopThread,
  isMainThread,
  portable,
  Queue,
  run,
  TaskGroup,
  ThreadPoolExecutor,
} from 'heddle';

interface Order {
  readonly id: number;
  readonly customer: string;
}

/** How many orders are under way at once. */
const AT_ONCE = 4;

/** The books: of the thread that runs the functions below, and of no other. */
const books = new Map<string, number>();

// Threads find these by this module, which they import: hence the guard at its end.
const { price, serve, report } = portable(import.meta, {
  /** The heavy part: what all the primes below 20,000 + id cost. */
  price({ id }: Order): number {
    let cost = 0;
    for (let n = 2; n < 20_000 + id; n++) {
      let factor = 2;
      while (factor * factor <= n && n % factor !== 0) factor++;
      if (factor * factor > n) cost++;
    }
    return cost;
  },

  /** The service: ends when the queue is shut down and empty. Gives how many orders it served. */
  async serve(orders: Queue<Order>, pool: ThreadPoolExecutor): Promise<number> {
    let served = 0;
    const serveOne = async (order: Order): Promise<void> => {
      const cost = await pool.submit(price, order);
      // Between two awaits nobody else runs on this loop: the books need no lock.
      books.set(order.customer, (books.get(order.customer) ?? 0) + cost);
      served++;
    };
    await TaskGroup.run(
      async (group) => {
        for (let lane = 0; lane < AT_ONCE; lane++)
          group.spawn(async () => {
            for await (const order of orders) await serveOne(order);
          });
      },
      { name: 'service' },
    );
    return served;
  },

  /** Asked of the loop while it serves. */
  report(): { readonly thread: string; readonly customers: number; readonly total: number } {
    const total = [...books.values()].reduce((sum, cost) => sum + cost, 0);
    return { thread: currentThread().name, customers: books.size, total };
  },
});

async function main(count: number, threads: number): Promise<void> {
  await using pool = new ThreadPoolExecutor({ threads: { min: 1, max: threads }, name: 'pricing' });
  await using service = await EventLoopThread.start({ name: 'service' });
  const orders = new Queue<Order>({ capacity: 8 });
  const serving = service.submit(serve, orders, pool);

  for (let id = 0; id < count; id++) {
    await orders.put({ id, customer: ['Ada', 'Grace', 'Joan'][id % 3]! }); // waits while eight are queued
    if (id === Math.floor(count / 2))
      console.log(`half-way, in thread ${(await service.submit(report)).thread}`);
  }

  orders.shutdown(); // no more orders: what is queued is served, then the service returns
  console.log(`served: ${await serving} of ${count}`);
  const { customers, total } = await service.submit(report);
  console.log(`customers: ${customers}, total: ${total}`);
  await service.stop();
  console.log(`closed: ${service.closed}`);
}

/** A wrong argument ends the process with code 2. */
function readArguments(args: readonly string[]): { readonly orders: number; readonly threads: number } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        orders: { type: 'string', default: '40' },
        threads: { type: 'string', default: '2' },
      },
    });
    return { orders: wholeNumber('orders', values.orders), threads: wholeNumber('threads', values.threads) };
  } catch (error) {
    console.error((error as Error).message);
    console.error('Usage: loops.ts [--orders 40] [--threads 2]');
    process.exit(2);
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`Cannot use --${name} '${text}': must be a whole number of at least 1`);
}

if (isMainThread) {
  const { orders, threads } = readArguments(process.argv.slice(2));
  await run(() => main(orders, threads));
}
