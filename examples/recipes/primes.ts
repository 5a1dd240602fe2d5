/** Work for the servers beside this: a module of its own, so that a thread which imports it imports no server. */
import { portable, throwIfCancelled } from 'heddle';

/** How many primes are below `limit`. Looks now and then whether anybody still wants to know. */
export function countPrimes(limit: number): number {
  let count = 0;
  for (let n = 2; n < limit; n++) {
    if (n % 1024 === 0) throwIfCancelled();
    let factor = 2;
    while (factor * factor <= n && n % factor !== 0) factor++;
    if (factor * factor > n) count++;
  }
  return count;
}
portable(import.meta, countPrimes);
