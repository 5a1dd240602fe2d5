/** The statistics of the report and how its cells and tables are written. Pure. */
import type { Unit } from './catalogue.ts';

/** What the repetitions of one figure come to. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** `undefined` if there is nothing to sum up. */
export function summarize(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), count: values.length };
}

/** How many times the reference's median this one is; `undefined` if either is missing or the reference is not above zero. */
export function ratio(summary: Summary | undefined, reference: Summary | undefined): number | undefined {
  if (summary === undefined || reference === undefined || !(reference.median > 0)) return undefined;
  return summary.median / reference.median;
}

/** Three significant digits, with `k` and `M` for counts per second; from 1,000 on nanoseconds are written as `µs`, and these as `ms`. */
export function formatFigure(value: number, unit: Unit): string {
  if (unit === 'per second') {
    if (value >= 999_500) return `${digits(value / 1_000_000)} M`;
    return value >= 999.5 ? `${digits(value / 1000)} k` : digits(value);
  }
  if (unit === 'times') return `${value.toFixed(2)}×`;
  if (unit === 'ns' && value >= 999.5) return formatFigure(value / 1000, 'µs');
  if (unit === 'blocks') return String(value);
  if (unit === '%') return `${value.toFixed(1)} %`;
  if (unit === 'µs' && value >= 999.5) return `${digits(value / 1000)} ms`;
  return `${digits(value)} ${unit}`;
}

/** As in `31.2 k (29.0 k – 33.1 k) 0.43×`: median, least and most, ratio to the reference. */
export function formatCell(summary: Summary, unit: Unit, times: number | undefined): string {
  const [middle, min, max] = [summary.median, summary.min, summary.max].map((v) => formatFigure(v, unit));
  const range = summary.count > 1 ? ` (${min} – ${max})` : '';
  return `${middle}${range}${times === undefined ? '' : ` ${formatFigure(times, 'times')}`}`;
}

/** A Markdown table with its columns aligned: the first to the left, the others, unless they are words, to the right. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  cells: 'figures' | 'words' = 'figures',
): string {
  const toTheRight = (column: number): boolean => column > 0 && cells === 'figures';
  const lines = [header, ...rows].map((row) => header.map((_, column) => escaped(row[column] ?? '')));
  const widths = header.map((_, column) =>
    Math.max(3, ...lines.map((line) => [...(line[column] ?? '')].length)),
  );
  const written = lines.map(
    (line) => `| ${line.map((cell, c) => pad(cell, widths[c] ?? 0, toTheRight(c))).join(' | ')} |`,
  );
  const rule = `|${widths.map((width, c) => (toTheRight(c) ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`;
  return [written[0], rule, ...written.slice(1)].join('\n');
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size < 0.005) return '0.00';
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

function escaped(cell: string): string {
  return cell.replaceAll('\n', ' ').replaceAll('|', '\\|');
}

function pad(cell: string, width: number, right: boolean): string {
  const blank = ' '.repeat(Math.max(0, width - [...cell].length));
  return right ? blank + cell : cell + blank;
}
