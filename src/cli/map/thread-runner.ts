/** Runs blocks in the threads of a pool. */
import { ThreadPoolExecutor } from '../../executor/thread-pool-executor.ts';
import type * as BlockWorker from './block-worker.ts';
import { compileExpression } from './expression.ts';
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
    initializer: preparation(work),
    ...(plan.memory === undefined ? {} : { resourceLimits: heapLimits(plan.memory) }),
  });
  const executor = pool.with({
    signal,
    onCancel: 'terminate',
    ...(plan.timeout === undefined ? {} : { runTimeout: plan.timeout }),
  });
  const worker = executor.import<typeof BlockWorker>(sibling('block-worker'));
  return {
    run: (block) => worker.runBlock(work, block),
    close: (force) => pool.shutdown(force ? { cancelPending: true, cancelRunning: true } : {}),
  };
}

/** The young generation is kept small: what it moves up at once must not overrun the limit, for that ends the process. */
function heapLimits(megabytes: number): { maxOldGenerationSizeMb: number; maxYoungGenerationSizeMb: number } {
  return {
    maxOldGenerationSizeMb: megabytes,
    maxYoungGenerationSizeMb: Math.max(1, Math.min(16, Math.floor(megabytes / 4))),
  };
}

/** Loads the module before the first item, so that its time is not counted as that of an item. */
function preparation(work: Work): () => Promise<void> {
  const url = JSON.stringify(sibling('prepare').href);
  // An initializer takes no arguments; what it needs stands in its text.
  return compileExpression(
    `async () => { await (await import(${url})).prepareThread(${JSON.stringify(work)}); }`,
  ) as () => Promise<void>;
}

/** A file of this folder: sources and build have different extensions. */
function sibling(name: string): URL {
  return new URL(import.meta.url.replace(/thread-runner(?=\.[jt]s$)/, name));
}
