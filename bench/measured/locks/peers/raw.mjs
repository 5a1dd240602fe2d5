/**
 * The reference. A mutex by hand, of one word with three states (free, had, had and somebody waits): not fair, without
 * owners, time-outs or cancellation. Where the wake-up itself is measured: `Atomics.waitAsync` and `Atomics.notify`
 * without a lock. Where memory is: plain objects with as many fields as a Lock of heddle.
 */
import { ARMED, newControl, PING, PONG, tell } from '../other-thread.mjs';
import { startThread } from '../start.mjs';

const FREE = 0;
const HAD = 1;
const WAITED_FOR = 2;

class Mutex {
  constructor(buffer) {
    this.word = new Int32Array(buffer);
  }

  acquireSync() {
    if (Atomics.compareExchange(this.word, 0, FREE, HAD) === FREE) return;
    while (Atomics.exchange(this.word, 0, WAITED_FOR) !== FREE) Atomics.wait(this.word, 0, WAITED_FOR);
  }

  async acquire() {
    if (Atomics.compareExchange(this.word, 0, FREE, HAD) === FREE) return;
    while (Atomics.exchange(this.word, 0, WAITED_FOR) !== FREE)
      await Atomics.waitAsync(this.word, 0, WAITED_FOR).value;
  }

  release() {
    if (Atomics.sub(this.word, 0, 1) === HAD) return;
    Atomics.store(this.word, 0, FREE);
    Atomics.notify(this.word, 0, 1);
  }
}

export const create = () => new Mutex(new SharedArrayBuffer(4));
export const token = (lock) => lock.word.buffer;
export const restore = (buffer) => new Mutex(buffer);
export const dispose = () => {};
export const locked = (lock) => Atomics.load(lock.word, 0) !== FREE;
export const acquireSync = (lock) => lock.acquireSync();
export const acquire = (lock) => lock.acquire();
export const release = (lock) => lock.release();
export const start = async (locks, work) => startThread('raw', locks.map(token), work);

/** For the cost of making. */
export const make = (index) => ({ a: undefined, b: undefined, c: false, d: index < 0 });

/** A ready one among a hundred thousand: the background of the measurement of fairness. */
export const turn = () => Promise.resolve();

export async function openTrip(pause, ready) {
  const control = newControl();
  startThread('raw', [], { role: 'bareTrip', control, pause });
  await ready(control);
  let step = 0;
  const trip = async () => {
    tell(control, PING, step + 1);
    const { value } = Atomics.waitAsync(control, PONG, step);
    Atomics.store(control, ARMED, ++step);
    await value;
    if (Atomics.load(control, PONG) !== step) throw new Error(`Cannot trust the reference: woken too early`);
  };
  return { trip, control };
}

/** That many waits on words of their own, each notified singly: milliseconds from the first to the last. */
export async function wakeMany(count) {
  const words = new Int32Array(new SharedArrayBuffer(4 * count));
  const waits = Array.from({ length: count }, async (_, index) => {
    const outcome = await Atomics.waitAsync(words, index, 0).value;
    if (outcome !== 'ok') throw new Error(`Cannot trust the reference: ${outcome}`);
  });
  const started = performance.now();
  for (let index = 0; index < count; index++) tell(words, index, 1);
  await Promise.all(waits);
  return performance.now() - started;
}
