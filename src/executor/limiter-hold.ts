/** A job that must have a permit of its limiter before it can be queued. */
import type { Job } from './job.ts';

/**
 * Holds the job until it has a permit, which it has until its end; then calls `queue`. A job that finds one free is not held.
 * Calls `failed` if there will be none, or `queue` throws later; not if the job has ended meanwhile.
 */
export function holdForPermit(job: Job, queue: () => void, failed: (error: unknown) => void): void {
  const limiter = job.options.limiter!;
  const free = limiter.tryAcquire();
  if (free !== undefined) {
    free.keep();
    try {
      queue();
    } catch (error) {
      free.release();
      throw error;
    }
    job.release = () => free.release();
    return;
  }
  job.hold();
  const given = new AbortController();
  job.release = () => given.abort();
  limiter.acquire({ signal: given.signal, keepAlive: true }).then(
    (guard) => {
      guard.keep();
      job.release = () => guard.release();
      if (job.phase === 'ended') return guard.release();
      job.queued();
      try {
        queue();
      } catch (error) {
        failed(error);
      }
    },
    (error: unknown) => {
      if (job.phase !== 'ended') failed(error);
    },
  );
}
