import { SingleBar } from 'cli-progress';

export interface Progress {
  /** One more file is done, of so many bytes. */
  advance(bytes: number): void;
  /** Takes the bar away, however the work ended. */
  stop(): void;
}

/** A progress bar on a terminal, by bytes; elsewhere nothing, for the line that follows says it all. */
export function showProgress(label: string, totalBytes: number): Progress {
  if (process.stderr.isTTY !== true) return { advance() {}, stop() {} };
  const bar = new SingleBar({
    format: `${label}  {bar}  {percentage}%  {files} files  {duration_formatted}{left}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  const started = performance.now();
  let files = 0;
  let bytes = 0;
  bar.start(totalBytes, 0, { files, left: '' });
  return {
    advance(more) {
      files++;
      bytes += more;
      const seconds = ((performance.now() - started) / 1000) * (totalBytes / bytes - 1);
      bar.update(bytes, { files, left: seconds < Infinity ? `, ${Math.ceil(seconds)}s left` : '' });
    },
    stop: () => bar.stop(),
  };
}
