/** Leaves two idle pools behind, and a pool that never ran anything. Has to end by itself. */
import { ThreadPoolExecutor, toThread } from 'heddle';

const pool = new ThreadPoolExecutor({ threads: 2 });
new ThreadPoolExecutor({ threads: 2 });
const results = await Promise.all([
  pool.submit((n) => n + 1, 1),
  pool.submit((n) => n + 1, 2),
  toThread((n) => n + 1, 3),
]);
console.log(results.join());
