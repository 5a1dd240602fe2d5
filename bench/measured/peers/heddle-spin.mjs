/** Threads that look for work for 50 µs before they sleep. */
import { ThreadPoolExecutor } from '../../../dist/index.js';
import { functions } from '../workers/heddle.mjs';

/** Nothing where the option is not read: a pool without it would pass for one with it. */
export async function open(threads) {
  let known = false;
  const pool = new ThreadPoolExecutor({
    threads,
    get spin() {
      known = true;
      return 50;
    },
  });
  return known ? (name, args) => pool.submit(functions[name], ...args) : undefined;
}
