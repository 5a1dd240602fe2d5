import { SingleBar } from 'cli-progress';

export interface Progress {
  advance(): void;
  /** Takes the bar away, however the work ended. */
  stop(): void;
}

/** A progress bar on a terminal; elsewhere nothing, for the line that follows says it all. */
export function showProgress(label: string, total: number): Progress {
  if (process.stderr.isTTY !== true) return { advance() {}, stop() {} };
  const bar = new SingleBar({
    format: `${label}  {bar}  {percentage}%  {value} of {total} files  {duration_formatted}, {eta_formatted} left`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  bar.start(total, 0);
  return { advance: () => bar.increment(), stop: () => bar.stop() };
}
