/** Whether heddle reached what it is to reach. Pure. */
import type { Bar, Unit } from './catalogue.ts';
import { formatFigure, ratio, type Summary } from './summary.ts';

/** The peer of which the bars are. */
export const judged = 'heddle';

export interface Verdict {
  /** As in `at least 3.00× raw`. */
  readonly bar: string;
  /** The median, or its ratio to that of the other peer; why there is none. */
  readonly measured: string;
  readonly reached: boolean;
}

/**
 * By medians. What could not be measured is not reached.
 *
 * @param summaryOf the figures of a peer for the metric that the bar is of.
 */
export function judge(bar: Bar, unit: Unit, summaryOf: (peer: string) => Summary | undefined): Verdict {
  const own = summaryOf(judged);
  const value = bar.of === undefined ? own?.median : ratio(own, summaryOf(bar.of));
  const shown = bar.of === undefined ? unit : 'times';
  return {
    bar: `${bar.bound} ${formatFigure(bar.value, shown)}${bar.of === undefined ? '' : ` ${bar.of}`}`,
    measured: value === undefined ? 'not measured' : formatFigure(value, shown),
    reached: value !== undefined && (bar.bound === 'at least' ? value >= bar.value : value <= bar.value),
  };
}
