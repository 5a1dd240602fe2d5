/** The figures of a run, and how they are told. */

export interface RunFigures {
  /** Items written, failures included; how many of them an earlier run had done already. */
  readonly items: number;
  readonly resumed: number;
  readonly failed: number;
  readonly retried: number;
  readonly threads: number;
  readonly elapsedMs: number;
  /** Milliseconds of running, by thread. */
  readonly busyMs: readonly number[];
}

/** What one thread would have needed, over what all of them did. */
export function speedUp({ busyMs, elapsedMs }: RunFigures): number {
  return elapsedMs > 0 ? busyMs.reduce((sum, ms) => sum + ms, 0) / elapsedMs : 0;
}

export function summaryText(figures: RunFigures): string {
  const { items, resumed, failed, retried, elapsedMs, busyMs } = figures;
  const now = items - resumed;
  const rate = elapsedMs > 0 ? Math.round((now / elapsedMs) * 1000) : 0;
  const lines = [
    `${count(items, 'item')}, ${failed} failed${retried > 0 ? `, ${retried} retried` : ''}, in ${time(elapsedMs)} (${rate.toLocaleString('en')}/s)`,
  ];
  if (resumed > 0) lines.push(`${count(resumed, 'item')} of them had been done before`);
  if (busyMs.length > 0)
    lines.push(
      `${count(busyMs.length, 'thread')} busy for ${busyMs.map(time).join(', ')}: ${speedUp(figures).toFixed(2)} times one thread`,
    );
  return lines.map((line) => `heddle: ${line}\n`).join('');
}

export function summaryJson(figures: RunFigures): string {
  const round = (ms: number) => Math.round(ms * 1000) / 1000;
  return `${JSON.stringify({
    ...figures,
    elapsedMs: round(figures.elapsedMs),
    busyMs: figures.busyMs.map(round),
    speedUp: round(speedUp(figures)),
  })}\n`;
}

export function count(n: number, what: string): string {
  return `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;
}

/** `830 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`. */
export function time(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
