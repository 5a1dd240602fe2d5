/** Explorations, whose threads are made of the text that the runtime gives of a function. */
import { Lock, Queue } from 'heddle';
import { ExploreError, explore } from 'heddle/testing';
import { check, equal, ok } from './check.mjs';

const setup = () => ({ lock: new Lock(), count: new Int32Array(1) });
const threads = {
  blocking: ({ lock, count }) => lock.runSync(() => count[0]++),
  async: async ({ lock, count }) => {
    const guard = await lock.acquire();
    count[0] += 1;
    guard.release();
  },
};

function isTwo({ count }) {
  equal(count[0], 2);
}

check('explore() passes what is right in every order', async () => {
  const { exhausted, schedules } = await explore({ setup, threads, check: isTwo, preemptions: Infinity });
  ok(exhausted && schedules > 5, `${schedules} schedules`);
});

check('explore() finds what is wrong in one order, and runs that again', async () => {
  const careless = { ...threads, async: async ({ count }) => void count[0]++ };
  const error = await explore({ setup, threads: careless, check: isTwo }).catch((error) => error);
  ok(error instanceof ExploreError, error);
  const again = await explore({ setup, threads: careless, check: isTwo, replay: error.replay }).catch(
    (error) => error,
  );
  equal(again.trace, error.trace);
});

check('explore() lets threads die, and time pass', async () => {
  const error = await explore({
    setup: () => ({ queue: new Queue() }),
    threads: {
      giver: ({ queue }) => queue.putSync(1),
      taker: async ({ queue }) => void (await queue.get({ timeout: 1000 })),
    },
    deaths: 1,
    timeouts: 0,
  }).catch((error) => error);
  ok(/thread "giver" dies before/.test(error.message), error);
  ok(/TimeoutError/.test(error.message), error);
});
