/** Time that all threads count alike: performance.now() begins anew in each. */
const origin = performance.timeOrigin;

/** Milliseconds, of which the lower 30 bits are kept: enough to tell times some days apart. */
const BITS = 2 ** 30;

/** A time of `performance.now()` as a word of a job. Never 0. */
export function jobClock(time: number): number {
  return Math.floor(origin + time) % BITS || 1;
}

/** How many milliseconds ago that was. */
export function jobClockSince(time: number): number {
  const now = (origin + performance.now()) % BITS;
  return now >= time - BITS / 2 ? Math.max(0, now - time) : now + BITS - time;
}
