/** Finds out what the inputs of `heddle map` are, and opens them. */
import { createReadStream, fstatSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { glob, isDynamicPattern } from 'tinyglobby';
import { CliError, systemReason, usageError } from '../cli-error.ts';
import type { ItemKind } from './block.ts';
import type { Source } from './item-reader.ts';

export type InputKind = 'files' | 'lines' | 'ndjson';

export interface InputRequest {
  readonly positionals: readonly string[];
  /** As given; detected if undefined. */
  readonly kind: InputKind | undefined;
  /** Items end with NUL instead of a line feed. */
  readonly nul: boolean;
}

export interface Inputs {
  readonly kind: InputKind;
  readonly itemKind: ItemKind;
  readonly separator: number;
  readonly sources: readonly Source[];
  /** Paths that are items themselves, for kind `files`. */
  readonly paths?: readonly string[];
  /** Items and bytes in all, where that is known beforehand. */
  readonly totalItems?: number;
  readonly totalBytes?: number;
  /** How the inputs are told in a journal. */
  readonly identity: unknown;
}

const STDIN = 'stdin';

export async function findInputs(request: InputRequest): Promise<Inputs> {
  const { positionals } = request;
  if (request.nul && request.kind === 'ndjson')
    throw usageError(`Cannot use -0 with --input ndjson: JSON is told apart by lines`);
  const kind = request.kind ?? detect(request);
  if (kind === 'files') return await fileInputs(positionals);
  const separator = request.nul ? 0 : 0x0a;
  if (positionals.length === 0) return await stdinInputs(request.kind, separator);
  const paths = await expand(positionals, true);
  const sources = paths.map((path) => (path === '-' ? stdinSource() : fileSource(path)));
  const totalBytes = paths.includes('-') ? undefined : await sizeOf(paths);
  return {
    kind,
    itemKind: kind === 'ndjson' ? 'json' : 'text',
    separator,
    sources,
    ...(totalBytes === undefined ? {} : { totalBytes }),
    identity: paths,
  };
}

function detect({ positionals, nul }: InputRequest): InputKind {
  if (positionals.length === 0) return 'lines';
  if (positionals.every((one) => /\.(ndjson|jsonl)$/i.test(one))) return 'ndjson';
  if (positionals.includes('-') || nul) return 'lines';
  return 'files';
}

async function fileInputs(positionals: readonly string[]): Promise<Inputs> {
  if (positionals.length === 0)
    throw usageError(
      `Cannot use --input files: no file is named. Name files or globs, such as 'src/**/*.ts'`,
    );
  const paths = await expand(positionals, false);
  const bytes = Buffer.from(paths.map((path) => `${path}\0`).join(''));
  return {
    kind: 'files',
    itemKind: 'text',
    separator: 0,
    sources: [{ name: 'the list of files', open: () => [bytes] }],
    paths,
    totalItems: paths.length,
    identity: paths,
  };
}

/** Standard input: lines, or NDJSON if the first line that is not blank is an object or array of JSON. */
async function stdinInputs(kind: InputKind | undefined, separator: number): Promise<Inputs> {
  if (process.stdin.isTTY === true && process.stderr.isTTY === true)
    process.stderr.write('heddle: reading items from the terminal, one a line; end with Ctrl-D\n');
  const chunks = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const head: Uint8Array[] = [];
  let isJson = kind === 'ndjson';
  if (kind === undefined && separator === 0x0a) isJson = await startsWithJson(chunks, head);
  const totalBytes = stdinSize();
  return {
    kind: isJson ? 'ndjson' : 'lines',
    itemKind: isJson ? 'json' : 'text',
    separator,
    sources: [{ name: STDIN, open: () => rejoin(head, chunks) }],
    ...(totalBytes === undefined ? {} : { totalBytes }),
    identity: STDIN,
  };
}

const MOST_DETECTION_BYTES = 1 << 20;

async function startsWithJson(chunks: AsyncIterator<Uint8Array>, head: Uint8Array[]): Promise<boolean> {
  let text = '';
  const decoder = new TextDecoder();
  for (;;) {
    const step = await chunks.next().catch((error: unknown) => {
      throw new CliError(`Cannot read '${STDIN}': ${systemReason(error)}`, { cause: error });
    });
    if (step.done !== true) {
      head.push(step.value);
      text += decoder.decode(step.value, { stream: true });
    }
    const line = /^\s*(\S[^\n]*)(\n?)/.exec(text);
    const whole = line !== null && (line[2] === '\n' || step.done === true);
    if (whole) return isObjectOrArray(line[1]!);
    // A first character that begins neither decides at once: no need to wait for the whole line.
    if (step.done === true || (line !== null && !/^[{[]/.test(line[1]!))) return false;
    if (text.length > MOST_DETECTION_BYTES) return true;
  }
}

function isObjectOrArray(line: string): boolean {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

async function* rejoin(
  head: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* head;
  for (;;) {
    const step = await rest.next();
    if (step.done === true) return;
    yield step.value;
  }
}

function stdinSource(): Source {
  return { name: STDIN, open: () => process.stdin };
}

function fileSource(path: string): Source {
  return { name: path, open: () => createReadStream(path, { highWaterMark: 64 * 1024 }) };
}

/** The size of a file that was redirected to standard input. */
function stdinSize(): number | undefined {
  try {
    const found = fstatSync(0);
    return found.isFile() ? found.size : undefined;
  } catch {
    return undefined;
  }
}

async function sizeOf(paths: readonly string[]): Promise<number | undefined> {
  let sum = 0;
  for (const path of paths) {
    const found = await stat(path);
    if (!found.isFile()) return undefined;
    sum += found.size;
  }
  return sum;
}

/** Paths as they are, globs as the files they match, sorted; each file once. */
async function expand(positionals: readonly string[], stdinToo: boolean): Promise<string[]> {
  const paths = new Set<string>();
  for (const given of positionals) {
    if (stdinToo && given === '-') paths.add(given);
    else for (const path of await expandOne(given)) paths.add(path);
  }
  return [...paths];
}

async function expandOne(given: string): Promise<readonly string[]> {
  const found = await stat(given).catch((error: unknown) => error as Error & { code?: string });
  if (!(found instanceof Error)) {
    if (!found.isDirectory()) return [given];
    throw new CliError(
      `Cannot read '${given}': it is a folder. Name its files, such as '${given.replace(/\/$/, '')}/**'`,
    );
  }
  if (!isDynamicPattern(given)) throw new CliError(`Cannot read '${given}': ${systemReason(found)}`);
  const matches = await glob(given, { dot: false, expandDirectories: false });
  if (matches.length === 0) throw new CliError(`Cannot read '${given}': no file matches it`);
  return matches.sort();
}
