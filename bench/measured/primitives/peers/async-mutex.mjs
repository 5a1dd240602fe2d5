/** For one loop. */
import { Semaphore } from 'async-mutex';

export const kinds = {
  semaphore: {
    create: () => new Semaphore(4),
    acquire: (semaphore) => semaphore.acquire(),
    release: ([, giveBack]) => giveBack(),
  },
};
