/** Runs blocks in the threads of a pool. */
import { BrokenPoolError, ThreadDiedError } from '../../core/errors.ts';
import type { Remote } from '../../executor/executor.ts';
import { ThreadPoolExecutor } from '../../executor/thread-pool-executor.ts';
import type { Block } from './block.ts';
import type * as BlockWorker from './block-worker.ts';
import type { BlockRefusal, BlockResult } from './block-worker.ts';
import { compileExpression } from './expression.ts';
import type { MapPlan } from './plan.ts';
import type { Work } from './prepare.ts';

/**
 * Threads for blocks. A pool gives up when threads die one after the other and nothing gets done; but where each death
 * was the work of an item, which pays for it alone, the next item may fare better: then another pool takes over.
 */
export class ThreadRunner {
  readonly #plan: MapPlan;
  readonly #work: Work;
  readonly #signal: AbortSignal;
  #pool: ThreadPoolExecutor;
  #worker: Remote<typeof BlockWorker>;
  /** Whether the pool at hand has lost a thread by an item. */
  #itemsKill = false;

  constructor(plan: MapPlan, work: Work, signal: AbortSignal) {
    this.#plan = plan;
    this.#work = work;
    this.#signal = signal;
    this.#pool = this.#start();
    this.#worker = this.#connect();
  }

  async run(block: Block): Promise<BlockResult | BlockRefusal> {
    const pool = this.#pool;
    try {
      return await this.#worker.runBlock(this.#work, block);
    } catch (error) {
      if (error instanceof ThreadDiedError) this.#itemsKill = true;
      if (!(error instanceof BrokenPoolError) || !this.#replace(pool)) throw error;
      return await this.run(block);
    }
  }

  /** Ends the threads; with `force`, whatever they are doing. */
  close(force: boolean): Promise<void> {
    return this.#pool.shutdown(force ? { cancelPending: true, cancelRunning: true } : {});
  }

  /** Whether there is another pool now. */
  #replace(broken: ThreadPoolExecutor): boolean {
    if (this.#pool !== broken) return true;
    if (!this.#itemsKill) return false;
    this.#itemsKill = false;
    this.#pool = this.#start();
    this.#worker = this.#connect();
    return true;
  }

  #start(): ThreadPoolExecutor {
    const { threads, memory } = this.#plan;
    return new ThreadPoolExecutor({
      threads,
      name: 'heddle map',
      initializer: preparation(this.#work),
      ...(memory === undefined ? {} : { resourceLimits: heapLimits(memory) }),
    });
  }

  #connect(): Remote<typeof BlockWorker> {
    const { timeout } = this.#plan;
    return this.#pool
      .with({ signal: this.#signal, onCancel: 'terminate', runTimeout: timeout })
      .import<typeof BlockWorker>(sibling('block-worker'));
  }
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

/** An entry beside this file, as a source or as built output. */
function sibling(name: string): URL {
  return new URL(`./${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
}
