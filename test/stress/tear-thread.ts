/** Commits transactions until it is terminated: a compare-and-swap, and plain stores of its number into other words. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Form, STATE, STOP, STORES, STRIDE } from './tear-form.ts';

const { buffer, form } = workerData as { buffer: SharedArrayBuffer; form: Form };
const words = new Int32Array(buffer);

/** One transaction: the number goes from `n` to `n + 1`. */
function commit(n: number): void {
  if (Atomics.compareExchange(words, STATE, n, n + 1) !== n) throw new Error('somebody else writes');
  words[STRIDE] = n + 1;
  words[2 * STRIDE] = n + 1;
  words[3 * STRIDE] = n + 1;
  words[4 * STRIDE] = n + 1;
  words[5 * STRIDE] = n + 1;
  words[6 * STRIDE] = n + 1;
  words[7 * STRIDE] = n + 1;
  words[8 * STRIDE] = n + 1;
}

function inTurn(): void {
  for (let n = 0; words[STOP] === 0; n = (n + 1) | 0) commit(n);
}

/** As a section: entered with an odd number, left with an even one; nothing is stored on leaving. */
function asSections(): void {
  for (let n = 0; words[STOP] === 0; n = (n + 2) | 0) {
    commit(n);
    Atomics.compareExchange(words, STATE, n + 1, n + 2);
  }
}

/** Work of other kinds between transactions: allocations, calls that are not inlined, exceptions. */
function amongOthers(): void {
  const kept: unknown[] = [];
  for (let n = 0; words[STOP] === 0; n = (n + 1) | 0) {
    commit(n);
    kept[n % 1000] = { text: `${n}`, list: [n, n] };
    try {
      JSON.parse(n % 3 === 0 ? '{' : '{}');
    } catch {
      kept.length = 0;
    }
  }
}

/** What the discipline forbids: a loop between the stores. */
function withLoop(): void {
  for (let n = 0; words[STOP] === 0; n = (n + 1) | 0) {
    Atomics.compareExchange(words, STATE, n, n + 1);
    for (let store = 1; store <= STORES; store++) {
      for (let spin = 0; spin < 10_000; spin++) words[STRIDE * (STORES + 1)] = spin;
      words[store * STRIDE] = n + 1;
    }
  }
}

parentPort?.postMessage('ready');
({ inTurn, asSections, amongOthers, withLoop })[form]();
