/** Threads that have lists of their own for what their jobs submit. */
import { ThreadPoolExecutor } from '../../../dist/index.js';
import { forksIn } from '../workers/heddle-forks.mjs';

export async function openForks(threads) {
  return forksIn(new ThreadPoolExecutor({ threads, scheduling: 'stealing' }));
}
