/** Finds, in a thread, the function that `heddle map` runs. */
import { importModule } from '../../platform/modules.ts';
import { CliError, systemReason } from '../cli-error.ts';
import { exportsOf } from '../exports-of.ts';
import { compileExpression } from './expression.ts';
import type { ResultFormat } from './result-text.ts';

export type MapFunction = (item: unknown, constants: Readonly<Record<string, unknown>>) => unknown;

/** An export of a module. */
export interface ExportName {
  /** A `file:` URL. */
  readonly url: string;
  /** As the person wrote it, for messages. */
  readonly shown: string;
  readonly name: string;
}

/** What threads are to do with each item. Plain data. */
export interface Work {
  readonly fn: ExportName | { readonly expression: string };
  /** Run once in each thread before anything else. */
  readonly init?: ExportName;
  /** The second argument of each call. */
  readonly constants: Readonly<Record<string, unknown>>;
  readonly format: ResultFormat;
  /** Whether the output of each item is told apart, and whether a failure ends the block. */
  readonly split: boolean;
  readonly stop: boolean;
}

let prepared: { key: string; fn: Promise<MapFunction> } | undefined;

/** Loads the function ahead of the first item. If that fails, the first item tells. */
export async function prepareThread(work: Work): Promise<void> {
  await prepareFunction(work).catch(() => {});
}

/** The function, ready to be called: once per thread and work. */
export function prepareFunction(work: Work): Promise<MapFunction> {
  const key = JSON.stringify([work.fn, work.init]);
  if (prepared?.key !== key) prepared = { key, fn: prepare(work) };
  return prepared.fn;
}

async function prepare(work: Work): Promise<MapFunction> {
  keepOutputClean();
  if (work.init !== undefined) await (await loadExport(work.init))(undefined, work.constants);
  return 'expression' in work.fn ? compileExpression(work.fn.expression) : await loadExport(work.fn);
}

/** Results own the standard output: what a function prints goes to standard error. */
function keepOutputClean(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr) as typeof process.stdout.write;
}

async function loadExport({ url, shown, name }: ExportName): Promise<MapFunction> {
  const module = exportsOf(await load(url, shown));
  const value = module[name];
  if (typeof value === 'function') return value as MapFunction;
  const names = Object.keys(module).filter((one) => typeof module[one] === 'function');
  const others = names.length === 0 ? 'it exports no function' : `its functions: ${names.join(', ')}`;
  const what = name === 'default' ? 'the default export' : `export '${name}'`;
  const state = value === undefined ? `there is no such export` : `it is no function but ${describe(value)}`;
  throw new CliError(
    `Cannot use ${what} of '${shown}': ${state} (${others}). Choose one with --export <name>`,
  );
}

async function load(url: string, shown: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await importModule(url);
  } catch (error) {
    throw new CliError(`Cannot load module '${shown}': ${systemReason(error)}`, { cause: error });
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return value === null ? 'null' : `${/^[aeiou]/.test(typeof value) ? 'an' : 'a'} ${typeof value}`;
}
