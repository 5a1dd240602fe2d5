import { defaultPool, portable } from '../../../dist/index.js';

const functions = {
  /** Two jobs below each, to that depth: how many leaves there are. */
  async fork(depth) {
    if (depth === 0) return 1;
    const pool = defaultPool();
    const left = pool.submit(forks.fork, depth - 1);
    const right = pool.submit(forks.fork, depth - 1);
    return (await left) + (await right);
  },
};

export const forks = portable(import.meta, functions);

/** A job that forks, and how many jobs are queued at the moment. */
export function forksIn(pool) {
  return {
    fork: (depth) => pool.submit(forks.fork, depth),
    queued: () => pool.statistics().queued,
  };
}
