/** The built package, as users get it. */
import { ThreadPoolExecutor } from '../../../dist/index.js';
import { functions } from '../workers/heddle.mjs';

export async function open(threads) {
  const pool = new ThreadPoolExecutor({ threads });
  return (name, args) => pool.submit(functions[name], ...args);
}
