/**
 * What keeps this thread's event loop alive while somebody waits: the one place.
 *
 * A pending `Atomics.waitAsync` holds no loop on any runtime; Node would end a top-level `await` of it with code 13. So
 * there is one timer that never fires in practice, referenced while the count of holds is above 0. A MessagePort would
 * cost the same, but Deno does not count one as a reason to stay.
 */
import { setInterval } from 'node:timers';
import { InvalidStateError } from '../core/errors.ts';
import { outsideContext } from './no-context.ts';

const LONGEST_TIMER = 2 ** 31 - 1;

let holds = 0;
let timer: { ref(): unknown; unref(): unknown } | undefined;

/**
 * Keeps the loop of this thread alive until as many `releaseLoop()` have been called as `holdLoop()`.
 *
 * **Cost.** A counter, if it is held already; else 20 to 40 ns (Deno: 140), the first time a few µs.
 */
export function holdLoop(): void {
  if (holds++ > 0) return;
  timer ??= outsideContext(startTimer);
  timer.ref();
}

/** Gives one hold back. @throws InvalidStateError if there is none: somebody gave back twice. */
export function releaseLoop(): void {
  if (holds === 0) throw new InvalidStateError('Cannot release the event loop: nothing holds it');
  if (--holds === 0) timer!.unref();
}

function startTimer(): NodeJS.Timeout {
  return setInterval(() => {}, LONGEST_TIMER);
}
