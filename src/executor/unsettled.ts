/**
 * Futures of one's own that somebody awaits. They keep no process alive: if it comes to its end for want of anything to do, nobody
 * will settle them any more, and it is said which.
 */
import { report } from '../platform/report.ts';
import { isMainLoop } from '../platform/worker.ts';

const awaited = new Set<() => string>();

/** Somebody awaits what `describe` describes, until the function that this gives is called. */
export function awaitsOwn(describe: () => string): () => void {
  // Of itself alone, if the same future is awaited twice.
  const entry = (): string => describe();
  if (isMainLoop && awaited.size === 0) process.on('beforeExit', reportAll);
  awaited.add(entry);
  return () => {
    if (awaited.delete(entry) && isMainLoop && awaited.size === 0) process.off('beforeExit', reportAll);
  };
}

function reportAll(): void {
  const what = new Set([...awaited].map((describe) => describe()));
  process.off('beforeExit', reportAll);
  awaited.clear();
  report(
    'HEDDLE_UNSETTLED_FUTURE',
    `The process ends, for there is nothing left to do, and nobody has settled ${[...what].join(', ')}`,
  );
}
