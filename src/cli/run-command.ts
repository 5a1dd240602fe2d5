/** `heddle run`: a TypeScript or JavaScript program, as if it had been started itself. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { useTsx } from '../platform/modules.ts';
import { loadsTypeScript } from '../platform/runtime.ts';
import { CliError, usageError } from './cli-error.ts';
import { exportsOf } from './exports-of.ts';
import type { CommandSpec } from './options.ts';

export const runSpec: CommandSpec = {
  name: 'run',
  summary:
    'Runs a program, TypeScript or JavaScript. If it exports a function by default, that is its main\nfunction: SIGINT and SIGTERM cancel it and let it clean up, as with run() of heddle.',
  usage: 'heddle run <script> [args…]',
  options: {
    Options: [{ name: 'help', short: 'h', help: 'show this text; what follows the script is its own' }],
  },
  examples: ['heddle run ./crawl.ts --depth 3'],
};

/** An error of the program itself: it is for the runtime to print, as if heddle were not there. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

/** Imports the program, and runs its main function if it has one. The process ends by itself when all is done. */
export async function runCommand(args: readonly string[]): Promise<undefined> {
  const [shown, ...rest] = args[0] === '--' ? args.slice(1) : args;
  if (shown === undefined) throw usageError("Cannot run: no script is named. See 'heddle run --help'");
  if (shown.startsWith('-'))
    throw usageError(
      `Cannot use option ${shown}: 'heddle run' does not know it. Options of the script stand behind its name; see 'heddle run --help'`,
    );
  const path = findScript(shown);
  process.argv.splice(1, process.argv.length, path, ...rest);
  await prepareTypeScript(path, shown);
  try {
    const program = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
    const main = exportsOf(program)['default'];
    if (typeof main !== 'function') return;
    const { run } = await import('../scope/run.ts');
    await run(main as (signal: AbortSignal) => unknown);
  } catch (error) {
    throw new ProgramError('', { cause: error });
  }
}

function findScript(shown: string): string {
  const path = resolve(shown);
  const found = existsSync(path) ? statSync(path) : undefined;
  if (found === undefined) throw new CliError(`Cannot run '${shown}': there is no file '${path}'`);
  if (!found.isFile()) throw new CliError(`Cannot run '${shown}': it is not a file`);
  return path;
}

/**
 * Where the runtime does not load TypeScript by itself (Node below 22.18), tsx does. Not `importModule`: that is for
 * jobs, and a program may call `run` while it is imported.
 */
async function prepareTypeScript(path: string, shown: string): Promise<void> {
  if (loadsTypeScript || !/\.[cm]?tsx?$/.test(path)) return;
  if (await useTsx(pathToFileURL(path).href)) return;
  throw new CliError(
    `Cannot run '${shown}': Node ${process.version} does not load TypeScript by itself. Run npm install tsx, or use Node 22.18 or later`,
  );
}
