/** One run of `heddle map`: takes settled blocks, writes them, keeps the journal and counts. */
import { CliError } from '../cli-error.ts';
import { type Block, bytesOfFirst } from './block.ts';
import type { ErrorRecord } from './block-worker.ts';
import type { Journal } from './journal.ts';
import type { Output, Piece } from './output.ts';
import type { OnError } from './plan.ts';
import type { Progress } from './progress.ts';
import type { ItemFailure, SettledBlock } from './settle.ts';
import { count, type RunFigures } from './summary.ts';

export interface MapRunOptions {
  readonly output: Output;
  readonly journal: Journal | undefined;
  readonly progress: Progress;
  readonly onError: OnError;
  readonly threads: number;
  readonly totalItems: number | undefined;
  readonly totalBytes: number | undefined;
  /** Prints a line for the person. */
  readonly say: (line: string) => void;
}

/** How long work may be done but not yet be in the journal, in milliseconds. */
const COMMIT_MS = 200;
const MOST_REPORTED_FAILURES = 10;

export class MapRun {
  readonly #options: MapRunOptions;
  readonly #started: number = performance.now();
  readonly #busy = new Map<number, number>();
  readonly #resumed: number;
  #items: number;
  #failed: number;
  #retried = 0;
  #bytes = 0;
  #reported = 0;
  #committed: number = performance.now();

  constructor(options: MapRunOptions) {
    this.#options = options;
    this.#resumed = options.journal?.doneCount ?? 0;
    this.#items = this.#resumed;
    this.#failed = options.journal?.failed ?? 0;
  }

  /** Counts input that an earlier run had done, for the progress bar. */
  passOver(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Writes everything; rejects with the first error that ends the run. What was written before it stays. */
  async write(blocks: AsyncGenerator<SettledBlock, void, undefined>): Promise<void> {
    this.#showProgress();
    for (;;) {
      const next = blocks.next();
      // It may reject while a commit is awaited: that is no unhandled rejection, it is looked at right after.
      next.catch(() => {});
      await this.#commitWhenDue(next);
      const step = await next;
      if (step.done === true) return;
      await this.#writeBlock(step.value);
    }
  }

  /** Makes everything that was written last, and publishes it. */
  async finish(complete: boolean): Promise<void> {
    const { journal, output } = this.#options;
    if (journal !== undefined && (journal.dirty || complete))
      await journal.commit(await output.sync(), complete);
    await output.finish();
    this.#reportRest();
  }

  get figures(): RunFigures {
    return {
      items: this.#items,
      resumed: this.#resumed,
      failed: this.#failed,
      retried: this.#retried,
      threads: this.#options.threads,
      elapsedMs: performance.now() - this.#started,
      busyMs: [...this.#busy.values()],
    };
  }

  async #writeBlock(settled: SettledBlock): Promise<void> {
    const { output, onError } = this.#options;
    const pieces: Piece[] = [];
    let stoppedBy: ItemFailure | undefined;
    for (const { bytes, failure, index } of settled.segments) {
      const which = index === undefined ? {} : { index };
      if (bytes !== undefined) pieces.push({ bytes, ...which });
      else if (failure !== undefined) {
        if (onError === 'stop') {
          stoppedBy = failure;
          break;
        }
        if (onError === 'collect') pieces.push({ bytes: failureLine(failure), ...which, failed: true });
        else this.#report(failure);
      }
    }
    if (pieces.length > 0) await output.write(pieces);
    this.#note(settled, stoppedBy);
    if (stoppedBy !== undefined) throw itemError(stoppedBy);
  }

  #note({ block, failed, retried, busy }: SettledBlock, stoppedBy: ItemFailure | undefined): void {
    const done = stoppedBy === undefined ? block : firstOf(block, stoppedBy.index - block.first);
    this.#options.journal?.note(done, stoppedBy === undefined ? failed : 0);
    this.#items += done.count;
    this.#failed += stoppedBy === undefined ? failed : 1;
    this.#retried += retried;
    this.#bytes += block.bytes.length;
    for (const [thread, ms] of busy) this.#busy.set(thread, (this.#busy.get(thread) ?? 0) + ms);
    this.#showProgress();
  }

  #showProgress(): void {
    this.#options.progress.update(this.#items, this.#failed, this.#fraction());
  }

  #fraction(): number | undefined {
    const { totalItems, totalBytes } = this.#options;
    if (totalItems !== undefined) return totalItems === 0 ? 1 : Math.min(1, this.#items / totalItems);
    return totalBytes === undefined || totalBytes === 0 ? undefined : Math.min(1, this.#bytes / totalBytes);
  }

  /** Commits when it is time, or when nothing new comes before it is. */
  async #commitWhenDue(next: Promise<unknown>): Promise<void> {
    const { journal, output } = this.#options;
    while (journal?.dirty === true) {
      const left = COMMIT_MS - (performance.now() - this.#committed);
      if (left > 0 && (await settlesWithin(next, left))) return;
      if (left > 0) continue;
      await journal.commit(await output.sync());
      this.#committed = performance.now();
    }
  }

  #report(failure: ItemFailure): void {
    this.#reported++;
    if (this.#reported > MOST_REPORTED_FAILURES) return;
    this.#options.progress.clear();
    this.#options.say(`${failureText(failure)}`);
  }

  #reportRest(): void {
    const more = this.#reported - MOST_REPORTED_FAILURES;
    if (more > 0) this.#options.say(`… and ${count(more, 'more failure')}`);
  }
}

/** Resolves to whether `promise` settles, either way, within a time. */
async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}

function firstOf(block: Block, items: number): { first: number; count: number; bytes: Uint8Array } {
  return { first: block.first, count: items, bytes: bytesOfFirst(block, items) };
}

function failureLine({ error, index, input }: ItemFailure): Uint8Array {
  const { name, message } = error;
  return Buffer.from(`${JSON.stringify({ error: { name, message, index, input } })}\n`);
}

function itemError(failure: ItemFailure): CliError {
  return new CliError(failureText(failure), { cause: failure.error });
}

/** `Cannot process item 17 'the text': TypeError: …`, and the line of the user's code that it comes from. */
export function failureText({ index, input, error, file, line }: ItemFailure): string {
  if (error.final === true)
    return `Cannot read item ${index + 1} (${file}:${line}): it is not JSON: ${error.message}`;
  const text = typeof input === 'string' ? input : (JSON.stringify(input) ?? '');
  const shown = text.length > 60 ? `${text.slice(0, 57)}…` : text;
  const place = file === 'the list of files' ? '' : ` (${file}:${line})`;
  const said = error.name === 'Error' ? error.message : `${error.name}: ${error.message}`;
  return `Cannot process item ${index + 1} '${shown}'${place}: ${said}${userFrame(error)}`;
}

/** The folder of all our code: as built output it is one folder. */
const OURS = new URL(import.meta.url.endsWith('.ts') ? '../../' : './', import.meta.url).href;

/** The first frame of the user's code. */
function userFrame({ stack }: ErrorRecord): string {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const frame = frames.find(
    (line) => !line.includes(OURS) && !line.includes('node:') && !line.includes('<anonymous>'),
  );
  return frame === undefined ? '' : `\n    ${frame.trim()}`;
}
