/**
 * Time as the rest of the house sees it. One place, so that a virtual clock has one thing to replace (`testing/`), and so
 * that a delay beyond the 2³¹-1 ms of the platform's timers is honoured instead of firing at once.
 */

const LONGEST_TIMER = 2 ** 31 - 1;

/** What `now` and `startTimer` go by, if it is not the time of the runtime. */
export interface Clock {
  now(): number;
  startTimer(delay: number, fire: () => void, hold: boolean): Timer;
}

let virtual: Clock | undefined;

/** Puts a clock in the place of the runtime's in this thread; `undefined` takes it away. */
export function setClock(clock: Clock | undefined): void {
  virtual = clock;
}

/** Milliseconds since some fixed point, never going backwards. */
export function now(): number {
  return virtual === undefined ? performance.now() : virtual.now();
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

interface TimerOptions {
  readonly hold?: boolean;
}

/**
 * Calls `fire` once, `delay` milliseconds from now; never for `Infinity`. With `hold: false` the timer does not keep
 * the process alive.
 */
export function startTimer(delay: number, fire: () => void, options: TimerOptions = {}): Timer {
  if (virtual === undefined || delay === Infinity) return startSystemTimer(delay, fire, options);
  return virtual.startTimer(delay, fire, options.hold ?? true);
}

/** The same by the time of the runtime whatever clock there is: for what has to do with threads, whose time that is. */
export function startSystemTimer(delay: number, fire: () => void, { hold = true }: TimerOptions = {}): Timer {
  if (delay === Infinity) return { stop: () => {} };
  const due = performance.now() + delay;
  let handle: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => {
    if (handle === undefined) return;
    handle = undefined;
    if (hold) holding--;
  };
  const arm = (): void => {
    const left = due - performance.now();
    const last = left <= LONGEST_TIMER;
    handle = setTimeout(
      () => {
        if (!last) return arm();
        end();
        fire();
      },
      Math.min(Math.max(left, 0), LONGEST_TIMER),
    );
    if (!hold) (handle as { unref?: () => void }).unref?.();
  };
  if (hold) holding++;
  arm();
  return {
    stop: () => {
      clearTimeout(handle);
      end();
    },
  };
}

let holding = 0;

/** How many timers are set that keep the process alive. */
export function openTimers(): number {
  return holding;
}
