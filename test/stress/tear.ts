/**
 * Whether a thread that is terminated leaves a transaction half done: a compare-and-swap, and the plain stores after it.
 * All shared memory of heddle relies on this, and no standard promises it: so it is observed, on every runtime.
 *
 * `node|bun|deno run -A test/stress/tear.ts [terminations] [seed]`
 */
import { Worker } from 'node:worker_threads';
import { type Random, seeded } from './random.ts';
import { type Form, STATE, STOP, STORES, STRIDE, WORDS } from './tear-form.ts';

export interface Terminations {
  readonly terminations: number;
  /** Transactions found half done. */
  readonly torn: readonly string[];
  /** How many threads were seen to go on after they were said to have ended. */
  readonly goingOn: number;
  readonly transactions: number;
}

const FORMS: readonly Form[] = ['inTurn', 'asSections', 'amongOthers'];
const AT_ONCE = 4;
const EXTENSION = /\.\w+$/.exec(import.meta.url)?.[0] ?? '.ts';

/** Terminates threads at random moments: so many, or as many as there is time for. */
export async function tear(
  seed: number,
  count: number,
  milliseconds: number = Infinity,
  forms: readonly Form[] = FORMS,
): Promise<Terminations> {
  const random = seeded(seed);
  const torn: string[] = [];
  const until = performance.now() + milliseconds;
  let terminations = 0;
  let transactions = 0;
  let goingOn = 0;
  while (terminations < count && performance.now() < until) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - terminations) }, () =>
      terminateOne(random.pick(forms), delayOf(random)),
    );
    for (const { number, still, found } of await Promise.all(batch)) {
      terminations++;
      transactions += number >>> 0;
      if (still) goingOn++;
      if (found !== undefined) torn.push(found);
    }
  }
  return { terminations, torn, transactions, goingOn };
}

/** Some early, while the code is interpreted, some when it was compiled. */
function delayOf(random: Random): number {
  return random.chance(0.5) ? random.integer(0, 3) : random.integer(4, 40);
}

interface One {
  readonly number: number;
  readonly still: boolean;
  readonly found: string | undefined;
}

async function terminateOne(form: Form, delay: number): Promise<One> {
  const buffer = new SharedArrayBuffer(4 * WORDS);
  const words = new Int32Array(buffer);
  const worker = new Worker(new URL(`./tear-thread${EXTENSION}`, import.meta.url), {
    workerData: { buffer, form },
  });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  // The message comes a moment before the first transaction.
  while (Atomics.load(words, STATE) === 0) await sleep(1);
  await sleep(delay);
  await worker.terminate();
  let found = lookAt(words, form);
  // Some runtimes say that a thread has ended while it still runs, or is about to: look until nothing changes.
  let still = false;
  for (let looks = 0; looks < 10; looks++) {
    if (looks === 5) words[STOP] = 1;
    await sleep(looks === 0 ? 10 : 50);
    const before = found;
    found = lookAt(words, form);
    if (found.text === before.text && !found.torn) break;
    still ||= found.text !== before.text;
  }
  words[STOP] = 1;
  const { number, torn, text } = found;
  return { number, still, found: torn ? `${form} after ${delay} ms: ${text}` : undefined };
}

function lookAt(words: Int32Array, form: Form): { number: number; torn: boolean; text: string } {
  const number = Atomics.load(words, STATE);
  const expected = form === 'asSections' && number % 2 === 0 ? number - 1 : number;
  const stores = Array.from({ length: STORES }, (_, store) => words[(store + 1) * STRIDE]);
  return { number, torn: stores.some((value) => value !== expected), text: `${number}, stored ${stores}` };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

if (process.argv[1]?.endsWith(`tear${EXTENSION}`) === true) {
  const count = Number(process.argv[2] ?? 500);
  const seed = Number(process.argv[3] ?? Date.now() & 0x7fffffff);
  const { terminations, torn, transactions, goingOn } = await tear(seed, count);
  const control = await tear(seed, Math.min(count, 20), Infinity, ['withLoop']);
  console.log(
    `seed ${seed}: ${terminations} terminations, ${transactions} transactions, ${torn.length} torn, ${goingOn} seen going on (with a loop between the stores ${control.torn.length} of ${control.terminations})`,
  );
  for (const line of torn) console.log(line);
  process.exit(torn.length === 0 ? 0 : 1);
}
