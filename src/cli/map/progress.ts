/** The progress bar, on a terminal. */
import cliProgress from 'cli-progress';
import { count, time } from './summary.ts';

export interface Progress {
  /** `fraction` is what is done of the whole, if that is known. */
  update(items: number, failed: number, fraction: number | undefined): void;
  /** Takes the bar away, for a message or for good. */
  clear(): void;
}

export const noProgress: Progress = { update() {}, clear() {} };

const STEPS = 1000;

/** A bar on standard error, with the rate and, where the total is known, the time that is left. */
export function createProgress(): Progress {
  const bar = new cliProgress.SingleBar({
    format: formatBar,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
    fps: 10,
  });
  const started = performance.now();
  // The rate is that of this run: what an earlier one did counts for the bar only.
  let before: { items: number; fraction: number } | undefined;
  let shown = false;
  return {
    update(items, failed, fraction) {
      before ??= { items, fraction: fraction ?? 0 };
      const elapsed = performance.now() - started;
      const gained = (fraction ?? 0) - before.fraction;
      const payload: Payload = {
        items,
        failed,
        rate: elapsed > 0 ? ((items - before.items) / elapsed) * 1000 : 0,
        left: fraction !== undefined && gained > 0 ? (elapsed / gained) * (1 - fraction) : undefined,
        fraction,
      };
      const step = Math.round((fraction ?? 0) * STEPS);
      if (!shown) bar.start(STEPS, step, payload);
      else bar.update(step, payload);
      shown = true;
    },
    clear() {
      if (shown) bar.stop();
      shown = false;
    },
  };
}

interface Payload {
  readonly items: number;
  readonly failed: number;
  readonly rate: number;
  readonly left: number | undefined;
  readonly fraction: number | undefined;
}

const BAR_WIDTH = 24;

function formatBar(_options: unknown, _parameters: unknown, payload: Payload): string {
  const { items, failed, rate, left, fraction } = payload;
  const parts = [count(items, 'item'), `${Math.round(rate).toLocaleString('en')}/s`];
  if (failed > 0) parts.push(`${failed.toLocaleString('en')} failed`);
  if (left !== undefined) parts.push(`${time(left)} left`);
  const text = parts.join(' · ');
  if (fraction === undefined) return text;
  const filled = Math.round(fraction * BAR_WIDTH);
  const drawn = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${drawn} ${`${Math.floor(fraction * 100)}%`.padStart(4)} · ${text}`;
}
