/** Runs blocks in the threads of a pool. */
import { ThreadPoolExecutor } from '../../executor/thread-pool-executor.ts';
import type * as BlockWorker from './block-worker.ts';
import type { MapPlan } from './plan.ts';
import type { Work } from './prepare.ts';
import type { RunBlock } from './settle.ts';

export interface ThreadRunner {
  readonly run: RunBlock;
  /** Ends the threads; with `force`, whatever they are doing. */
  close(force: boolean): Promise<void>;
}

export function createThreadRunner(plan: MapPlan, work: Work, signal: AbortSignal): ThreadRunner {
  const pool = new ThreadPoolExecutor({
    threads: plan.threads,
    name: 'heddle map',
    ...(plan.memory === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: plan.memory } }),
  });
  const executor = pool.with({
    signal,
    onCancel: 'terminate',
    ...(plan.timeout === undefined ? {} : { runTimeout: plan.timeout }),
  });
  // This file and that one have the same extension: sources and build alike.
  const entry = new URL(import.meta.url.replace('thread-runner', 'block-worker'));
  const worker = executor.import<typeof BlockWorker>(entry);
  return {
    run: (block) => worker.runBlock(work, block),
    close: (force) => pool.shutdown(force ? { cancelPending: true, cancelRunning: true } : {}),
  };
}
