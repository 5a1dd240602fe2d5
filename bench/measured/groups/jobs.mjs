/** What runs in the threads of heddle. */
import { cancelled, portable, sleep } from '../../../dist/index.js';

export const { rest, poll } = portable(import.meta, {
  async rest() {
    await sleep(Number.POSITIVE_INFINITY);
  },
  poll() {
    while (!cancelled());
  },
});
