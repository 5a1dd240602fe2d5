/** What a pool is doing. */
export interface PoolStatistics {
  readonly name: string;
  /** Live threads. */
  readonly threads: number;
  /** Threads that run nothing. */
  readonly idle: number;
  /** Jobs that wait for a thread. */
  readonly queued: number;
  /** Jobs in threads whose future is not settled. */
  readonly running: number;
  /** Jobs in threads whose future is settled: cancelled or out of time, and not ended yet. */
  readonly abandoned: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** How long the oldest queued job has waited, in milliseconds; 0 if none waits. */
  readonly oldestQueuedMs: number;
  /** Milliseconds of running jobs, for each thread that the pool may have. */
  readonly busyMs: readonly number[];
}
