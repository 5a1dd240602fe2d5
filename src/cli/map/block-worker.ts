/** The thread's side of `heddle map`: runs the function over the items of a block and makes their output. */
import { threadId } from 'node:worker_threads';
import { type Block, itemsOf } from './block.ts';
import { type MapFunction, prepareFunction, type Work } from './prepare.ts';
import { resultText } from './result-text.ts';

/** An error as it is shown and written. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Running the item again would end the same. */
  readonly final?: boolean;
}

export interface BlockFailure {
  /** Which item of the block, and where in `bytes` its output would stand. */
  readonly position: number;
  readonly offset: number;
  readonly error: ErrorRecord;
}

export interface BlockResult {
  /** The output of all items that succeeded, one after the other. */
  readonly bytes: Uint8Array;
  /** Where in `bytes` each item's output ends, if `work.split` asks for it. */
  readonly ends?: readonly number[];
  readonly failures: readonly BlockFailure[];
  /** How long it ran, in milliseconds, and in which thread. */
  readonly ms: number;
  readonly thread: number;
}

/** No item could be run at all: the module or its function cannot be had. */
export interface BlockRefusal {
  readonly refused: ErrorRecord;
}

/** Runs all items of a block, one after the other; with `work.stop`, up to the first that fails. */
export async function runBlock(work: Work, block: Block): Promise<BlockResult | BlockRefusal> {
  let fn: MapFunction;
  try {
    fn = await prepareFunction(work);
  } catch (error) {
    return { refused: errorRecord(error) };
  }
  const started = performance.now();
  const output = new OutputBytes();
  const ends: number[] = [];
  const failures: BlockFailure[] = [];
  const items = itemsOf(block);
  for (let position = 0; position < items.texts.length; position++) {
    const error = await runItem(work, block.kind, items.texts[position]!, fn, output);
    if (error !== undefined) {
      failures.push({ position, offset: output.length, error });
      if (work.stop) break;
    }
    if (work.split) ends.push(output.length);
  }
  const ms = performance.now() - started;
  return { bytes: output.bytes(), ...(work.split ? { ends } : {}), failures, ms, thread: threadId };
}

/** Runs one item and adds its output; gives what went wrong, if something did. */
async function runItem(
  work: Work,
  kind: Block['kind'],
  text: string,
  fn: MapFunction,
  output: OutputBytes,
): Promise<ErrorRecord | undefined> {
  let input: unknown = text;
  if (kind === 'json') {
    try {
      input = JSON.parse(text);
    } catch (error) {
      return { name: 'SyntaxError', message: (error as Error).message, final: true };
    }
  }
  try {
    let value = fn(input, work.constants);
    // Most functions answer at once: an await for each would cost more than many of them.
    if (isThenable(value)) value = await value;
    output.add(resultText(value, work.format));
    return undefined;
  } catch (error) {
    return errorRecord(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Whatever was thrown, as a record. */
export function errorRecord(error: unknown): ErrorRecord {
  if (error instanceof Error || isErrorLike(error)) {
    const { name, message, stack } = error;
    return {
      name: String(name),
      message: String(message),
      ...(stack === undefined ? {} : { stack: String(stack) }),
    };
  }
  let shown: string;
  try {
    shown = typeof error === 'string' ? `'${error}'` : (JSON.stringify(error) ?? String(error));
  } catch {
    shown = String(error);
  }
  return { name: 'Error', message: `it threw ${shown}, which is not an Error` };
}

function isErrorLike(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && 'name' in error && 'message' in error;
}

/** Gathers text and bytes; text is encoded once, when a length or all of it is asked for. */
class OutputBytes {
  #text = '';
  #length = 0;
  readonly #parts: Uint8Array[] = [];

  add(piece: string | Uint8Array): void {
    if (typeof piece === 'string') {
      this.#text += piece;
      return;
    }
    this.#encode();
    this.#push(piece);
  }

  get length(): number {
    this.#encode();
    return this.#length;
  }

  bytes(): Uint8Array {
    this.#encode();
    if (this.#parts.length === 1) return this.#parts[0]!.slice();
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #encode(): void {
    if (this.#text === '') return;
    this.#push(new TextEncoder().encode(this.#text));
    this.#text = '';
  }

  #push(part: Uint8Array): void {
    this.#parts.push(part);
    this.#length += part.length;
  }
}
