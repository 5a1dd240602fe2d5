/** Brings one block to its end: what fails is tried again, and a thread that dies or hangs costs one item only. */
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError, ThreadDiedError, TimeoutError } from '../../core/errors.ts';
import { CliError } from '../cli-error.ts';
import { type Block, inputOf, singleItem } from './block.ts';
import { type BlockRefusal, type BlockResult, type ErrorRecord, errorRecord } from './block-worker.ts';

/** Runs a block somewhere. */
export type RunBlock = (block: Block) => PromiseLike<BlockResult | BlockRefusal>;

/** An item that failed for good. */
export interface ItemFailure {
  /** Among all items of the run, from 0. */
  readonly index: number;
  readonly input: unknown;
  readonly error: ErrorRecord;
  readonly file: string;
  readonly line: number;
}

/** Part of a block's output: bytes, or a failure where output would stand. */
export interface Segment {
  readonly bytes?: Uint8Array;
  readonly failure?: ItemFailure;
  /** The item whose output this is, by index; only where outputs are told apart. */
  readonly index?: number;
}

export interface SettledBlock {
  readonly block: Block;
  readonly segments: readonly Segment[];
  readonly failed: number;
  readonly retried: number;
  /** Milliseconds of running by thread. */
  readonly busy: readonly (readonly [thread: number, ms: number])[];
  /** Milliseconds that an item took, on average; undefined if the block did not run in one go. */
  readonly msPerItem?: number;
}

export interface SettleOptions {
  readonly run: RunBlock;
  /** How often an item that failed is tried again. */
  readonly retries: number;
  /** How long an item may run, in words, for messages. */
  readonly limit?: string;
  readonly signal: AbortSignal;
  /** From 0 to 1, as `Math.random`. */
  readonly random?: () => number;
}

const BACK_OFF_MS = 100;
const MOST_BACK_OFF_MS = 30_000;

export async function settle(block: Block, options: SettleOptions): Promise<SettledBlock> {
  return await new Settling(options).settle(block);
}

class Settling {
  readonly #options: SettleOptions;
  readonly #busy: (readonly [number, number])[] = [];
  #failed = 0;
  #retried = 0;

  constructor(options: SettleOptions) {
    this.#options = options;
  }

  async settle(block: Block): Promise<SettledBlock> {
    const result = await this.#attempt(block);
    const whole = 'bytes' in result;
    const segments = whole ? await this.#segments(block, result) : await this.#split(block, result);
    const done = { block, segments, failed: this.#failed, retried: this.#retried, busy: this.#busy };
    return whole ? { ...done, msPerItem: result.ms / block.count } : done;
  }

  /** Runs a block once: its result, or the error that the thread came to as a whole. */
  async #attempt(block: Block): Promise<BlockResult | ErrorRecord> {
    try {
      const result = await this.#options.run(block);
      if ('refused' in result) throw new CliError(result.refused.message, { cause: result.refused });
      this.#busy.push([result.thread, result.ms]);
      return result;
    } catch (error) {
      this.#options.signal.throwIfAborted();
      if (error instanceof TimeoutError) {
        const message = `Cannot finish item: it ran longer than ${this.#options.limit ?? 'it may'}`;
        return { name: 'TimeoutError', message };
      }
      if (error instanceof ThreadDiedError) return { name: 'ThreadDiedError', message: deathMessage(error) };
      if (error instanceof CancelledError || error instanceof CliError) throw error;
      throw new CliError(`Cannot run items in threads: ${describe(error)}`, { cause: error });
    }
  }

  /** A thread that died takes its whole block along: run alone, only the guilty item fails. */
  async #split(block: Block, error: ErrorRecord): Promise<Segment[]> {
    if (block.count === 1) return [await this.#again(block, error)];
    const segments: Segment[] = [];
    for (let position = 0; position < block.count; position++) {
      const item = singleItem(block, position);
      const result = await this.#attempt(item);
      if ('bytes' in result) segments.push(...(await this.#segments(item, result)));
      else segments.push(await this.#again(item, result));
    }
    return segments;
  }

  async #segments(block: Block, result: BlockResult): Promise<Segment[]> {
    const segments: Segment[] = [];
    const failures = new Map(result.failures.map((failure) => [failure.position, failure]));
    let from = 0;
    if (result.ends !== undefined) {
      for (let position = 0; position < result.ends.length; position++) {
        const [to, failure] = [result.ends[position]!, failures.get(position)];
        const index = block.first + position;
        if (failure === undefined) segments.push({ bytes: result.bytes.subarray(from, to), index });
        else segments.push(await this.#again(singleItem(block, position), failure.error));
        from = to;
      }
      return segments;
    }
    for (const { position, offset, error } of result.failures) {
      if (offset > from) segments.push({ bytes: result.bytes.subarray(from, offset) });
      segments.push(await this.#again(singleItem(block, position), error));
      from = offset;
    }
    if (from < result.bytes.length) segments.push({ bytes: result.bytes.subarray(from) });
    return segments;
  }

  /** Tries an item that failed again, as often as is allowed. */
  async #again(item: Block, error: ErrorRecord): Promise<Segment> {
    for (let attempt = 0; attempt < this.#options.retries && error.final !== true; attempt++) {
      await this.#backOff(attempt);
      this.#retried++;
      const result = await this.#attempt(item);
      if (!('bytes' in result)) error = result;
      else if (result.failures[0] !== undefined) error = result.failures[0].error;
      else return { bytes: result.bytes, index: item.first };
    }
    this.#failed++;
    const { first: index, file, line } = item;
    return { index, failure: { index, input: inputOf(item, 0), error, file, line } };
  }

  /** Twice as long each time, and up to half of it left to chance, so that many do not come back at once. */
  async #backOff(attempt: number): Promise<void> {
    const most = Math.min(BACK_OFF_MS * 2 ** attempt, MOST_BACK_OFF_MS);
    const random = this.#options.random ?? Math.random;
    await delay(most * (0.5 + random() / 2), undefined, { signal: this.#options.signal });
  }
}

/** Nothing in it differs from one run to the next, as the name of a thread would: it may stand in the output. */
function deathMessage({ reason, exitCode, cause }: ThreadDiedError): string {
  if (reason === 'exit') return `Cannot finish item: it called process.exit(${exitCode})`;
  if (reason === 'memory') return 'Cannot finish item: its thread ran out of memory';
  if (reason === 'terminated') return 'Cannot finish item: its thread was terminated';
  const what = cause === undefined ? '' : `: ${errorRecord(cause).message}`;
  return `Cannot finish item: an error outside of any call ended its thread${what}`;
}

function describe(error: unknown): string {
  const { message } = errorRecord(error);
  const cause = (error as { cause?: unknown } | null)?.cause;
  return cause === undefined ? message : `${message} (${errorRecord(cause).message})`;
}
