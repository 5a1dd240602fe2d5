/**
 * A thread that owns a SQLite database. `node:sqlite` is synchronous: here it blocks nobody but that thread. Anybody calls it,
 * from the main thread or a pool, awaiting or blocking, and what needs several statements is never interrupted.
 *
 *     npm exec -- node examples/recipes/sqlite.ts --file orders.db
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { EventLoopThread, isMainThread, perThread, portable, run, ThreadPoolExecutor } from 'heddle';

interface Order {
  readonly customer: string;
  readonly amount: number;
}

/** The database and its statements, prepared once. Neither can leave the thread; plain rows can. */
class Store implements Disposable {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #total: StatementSync;

  constructor(file: string) {
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
    this.#database = new DatabaseSync(file);
    this.#database.exec('PRAGMA journal_mode = wal');
    this.#database.exec(
      'CREATE TABLE IF NOT EXISTS orders (customer TEXT NOT NULL, amount INTEGER NOT NULL)',
    );
    this.#insert = this.#database.prepare('INSERT INTO orders VALUES (?, ?)');
    this.#total = this.#database.prepare('SELECT sum(amount) AS total FROM orders WHERE customer = ?');
  }

  /** All or none. Synchronous, so no other call comes between. */
  add(orders: readonly Order[]): number {
    this.#database.exec('BEGIN');
    try {
      for (const { customer, amount } of orders) this.#insert.run(customer, amount);
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
    return orders.length;
  }

  total(customer: string): number {
    return Number(this.#total.get(customer)?.['total'] ?? 0);
  }

  [Symbol.dispose](): void {
    this.#database.close();
    console.log('database closed');
  }
}

let file = ''; // of the thread that ran `open`
/** Made when it is first asked for, closed when its thread ends. */
const store = perThread(() => new Store(file));

const { open, add, total } = portable(import.meta, {
  open(name: string): void {
    file = name;
    store.sync(); // a file that cannot be opened is told here, to who starts the thread
  },
  add(orders: readonly Order[]): number {
    return store.sync().add(orders);
  },
  total(customer: string): number {
    return store.sync().total(customer);
  },
});

/** A job of a pool: computes, and stores what comes out. It is synchronous, so it blocks for the database. */
const order = portable(import.meta, function order(database: EventLoopThread, customer: string): number {
  const orders = Array.from({ length: 100 }, (_, n) => ({ customer, amount: n + 1 }));
  database.submitSync(add, orders);
  return database.submitSync(total, customer);
});

async function main(name: string): Promise<void> {
  await using database = await EventLoopThread.start({ name: 'database' });
  await database.submit(open, name);

  await using pool = new ThreadPoolExecutor({ threads: 2 });
  const customers = ['Ada', 'Grace', 'Joan'];
  const totals = await Promise.all(customers.map((customer) => pool.submit(order, database, customer)));
  console.log(`from threads: ${totals.join(', ')}`);

  await database.submit(add, [{ customer: 'Ada', amount: 50 }]);
  console.log(`from here: ${await database.submit(total, 'Ada')}`);

  const half = [{ customer: 'Ada', amount: 1 }, { customer: 'Ada' } as Order];
  const error = await database.submit(add, half).error();
  console.log(`${(error as Error).name}; nothing of it is there: ${await database.submit(total, 'Ada')}`);
}

if (isMainThread) {
  const { values } = parseArgs({ options: { file: { type: 'string', default: ':memory:' } } });
  if (process.getBuiltinModule('node:sqlite') === undefined) {
    console.error('Cannot open a database: this Node has no node:sqlite. Node 22.13 and later have it');
    process.exitCode = 1;
  } else await run(() => main(values.file));
}
