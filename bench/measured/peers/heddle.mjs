/** The built package, as users get it. What its build has not yet, it does not take part in. */
import * as heddle from '../../../dist/index.js';
import { functions } from '../workers/heddle.mjs';
import { forksIn } from '../workers/heddle-forks.mjs';

export async function open(threads) {
  return callsOf(new heddle.ThreadPoolExecutor({ threads }));
}

export const openMoving =
  heddle.transfer &&
  (async () => {
    const pool = new heddle.ThreadPoolExecutor({ threads: 1 });
    return (buffer) => pool.submit(functions.len, heddle.transfer(buffer));
  });

export const openSync =
  heddle.toThreadSync && (async () => (a, b) => heddle.toThreadSync(functions.add, a, b));

export async function openForks(threads) {
  return forksIn(new heddle.ThreadPoolExecutor({ threads }));
}

/** A pool of one thread where there is no loop of its own yet. */
export async function openLoop(concurrency) {
  return callsOf(
    heddle.EventLoopThread === undefined
      ? new heddle.ThreadPoolExecutor({ threads: 1, concurrency })
      : await heddle.EventLoopThread.start(),
  );
}

function callsOf(executor) {
  return (name, args) => executor.submit(functions[name], ...args);
}
