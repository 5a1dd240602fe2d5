/** What the smoke program runs in threads. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  cancelled,
  currentTask,
  currentThread,
  isMainThread,
  Lock,
  portable,
  shared,
  sleep,
  transfer,
} from 'heddle';

export class ShelfError extends Error {
  constructor(message, shelf, options) {
    super(message, options);
    this.name = 'ShelfError';
    this.shelf = shelf;
  }
}

const storage = new AsyncLocalStorage();

function raiseOnce(counter) {
  counter[0]++;
}

export const {
  enterContext,
  readContext,
  contextAround,
  square,
  squareLater,
  invert,
  where,
  fail,
  meet,
  spin,
  spinUntilCancelled,
  exit,
  hoard,
  bad,
  raise,
  raiseBlocked,
  passOn,
  lockedBy,
  takeAndExit,
  takeAndStay,
  block,
} = portable(import.meta, {
  enterContext() {
    storage.enterWith('entered');
    return storage.getStore();
  },

  readContext() {
    return storage.getStore() ?? 'none';
  },

  /** Has another job run in the midst of this one, on its stack. */
  contextAround(pool) {
    return storage.run('mine', () => {
      const mine = () => [storage.getStore(), currentTask() !== undefined];
      return [...mine(), pool.submitSync(readContext), ...mine()];
    });
  },

  square(n) {
    return n * n;
  },
  async squareLater(n) {
    await sleep(n % 3);
    return n * n;
  },
  invert(pixels) {
    for (const [at, value] of pixels.entries()) pixels[at] = 255 - value;
    return transfer(pixels);
  },
  where() {
    return { main: isMainThread, ...currentThread() };
  },
  fail(shelf) {
    throw new ShelfError('no such book', shelf, { cause: new RangeError('row 9 of 8') });
  },
  /** Ends only when a second thread is in it too. */
  meet(word) {
    Atomics.add(word, 0, 1);
    Atomics.notify(word, 0);
    if (Atomics.load(word, 0) < 2) Atomics.wait(word, 0, 1, 20_000);
    return Atomics.load(word, 0);
  },
  spin(word) {
    Atomics.store(word, 0, 1);
    for (;;);
  },
  spinUntilCancelled(word) {
    Atomics.store(word, 0, 1);
    while (!cancelled());
    Atomics.store(word, 1, 1);
  },
  exit(code) {
    process.exit(code);
  },
  hoard() {
    const all = [];
    for (;;) all.push(new Array(100_000).fill(all.length));
  },
  /** Raises a plain counter that nothing but the lock protects. */
  async raise(lock, counter, times) {
    for (let n = 0; n < times; n++) await lock.run(() => raiseOnce(counter));
  },
  raiseBlocked(lock, counter, times) {
    for (let n = 0; n < times; n++) lock.runSync(() => raiseOnce(counter));
  },
  passOn(message) {
    return { back: [message.lock], locked: message.lock.locked };
  },
  lockedBy(name) {
    return shared(name, () => new Lock()).locked;
  },
  takeAndExit(lock) {
    lock.acquireSync();
    process.exit(3);
  },
  takeAndStay(lock, word) {
    lock.acquireSync().keep();
    Atomics.store(word, 0, 1);
  },
  block(lock) {
    lock.acquireSync().release();
  },
  bad(n) {
    if (n === 2) throw new RangeError('two');
    return n;
  },
});
