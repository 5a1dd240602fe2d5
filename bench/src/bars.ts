/** Whether heddle reached what it is to reach. Pure. */
import type { Bar, Unit } from './catalogue.ts';
import { formatFigure, ratio, type Summary } from './summary.ts';

/** The peer of which the bars are that name none. */
export const judged = 'heddle';

export interface Verdict {
  /** As in `at least 3.00× raw`. */
  readonly bar: string;
  /** The median, or how it is beside the other one; why there is none. */
  readonly measured: string;
  readonly reached: boolean;
}

/** What a bar is held against. */
export interface Figures {
  /** Of a peer, for the metric that the bar is of. */
  summaryOf(peer: string): Summary | undefined;
  /** How many times as fast the judged peer is as it is in that measurement. */
  timesAsFast?(measurement: string): Summary | undefined;
}

/** By medians. What could not be measured is not reached. */
export function judge(bar: Bar, unit: Unit, figures: Figures): Verdict {
  const { value, show } = held(bar, unit, figures);
  return {
    bar: `${bar.bound} ${show(bar.value)}`,
    measured: value === undefined ? 'not measured' : show(value),
    reached: value !== undefined && (bar.bound === 'at least' ? value >= bar.value : value <= bar.value),
  };
}

/** The value to compare with that of the bar, and how both are written. */
function held(
  { of, added, beside, peer = judged }: Bar,
  unit: Unit,
  { summaryOf, timesAsFast }: Figures,
): { value: number | undefined; show: (value: number) => string } {
  if (beside !== undefined) {
    const value = timesAsFast?.(beside)?.median;
    return { value, show: (times) => `${formatFigure(times, 'times')} its own ${beside}` };
  }
  const own = summaryOf(peer);
  if (of === undefined) return { value: own?.median, show: (figure) => formatFigure(figure, unit) };
  const other = summaryOf(of);
  if (added !== true) {
    return { value: ratio(own, other), show: (times) => `${formatFigure(times, 'times')} ${of}` };
  }
  const value = own === undefined || other === undefined ? undefined : own.median - other.median;
  return {
    value,
    show: (more) => `${of} ${more < 0 ? '−' : '+'} ${formatFigure(Math.abs(more), unit)}`,
  };
}
