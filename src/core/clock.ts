/**
 * Time as the rest of the house sees it. One place, so that a later virtual clock has one thing to replace, and so
 * that a delay beyond the 2³¹-1 ms of the platform's timers is honoured instead of firing at once.
 */

const LONGEST_TIMER = 2 ** 31 - 1;

/** Milliseconds since some fixed point, never going backwards. */
export function now(): number {
  return performance.now();
}

/**
 * The same for a thread that is blocked: always the time of the runtime. A clock that tests put in its place could not go
 * on meanwhile, and the thread would be blocked for ever.
 */
export const nowWhileBlocked: () => number = performance.now.bind(performance);

/** A timer that can be stopped. */
export interface Timer {
  stop(): void;
}

/**
 * Calls `fire` once, `delay` milliseconds from now; never for `Infinity`. With `hold: false` the timer does not keep
 * the process alive.
 */
export function startTimer(delay: number, fire: () => void, { hold = true }: { hold?: boolean } = {}): Timer {
  if (delay === Infinity) return { stop: () => {} };
  const due = now() + delay;
  let handle: ReturnType<typeof setTimeout>;
  const arm = (): void => {
    const left = due - now();
    handle = setTimeout(left > LONGEST_TIMER ? arm : fire, Math.min(Math.max(left, 0), LONGEST_TIMER));
    if (!hold) (handle as { unref?: () => void }).unref?.();
  };
  arm();
  return { stop: () => clearTimeout(handle) };
}
