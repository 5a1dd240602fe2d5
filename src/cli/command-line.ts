/** Chooses the command, runs it until it ends or a signal comes, and turns its outcome into an exit code. */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { CliError, usageError } from './cli-error.ts';
import type { CommandSpec } from './options.ts';

const HELP = `Runs TypeScript and JavaScript on every core.

Usage
  heddle map [options] <module> [inputs…]    run a function over every input
  heddle run <script> [args…]                run a program
  heddle <command> --help                    what a command can do
  heddle --version
`;

const COMMANDS = ['map', 'run', 'help'];

/** Runs the command line to its end; the process ends with it. */
export async function start(args: readonly string[]): Promise<void> {
  const debug = args.includes('--debug');
  try {
    const code = await command(args);
    if (code !== undefined) process.exit(code);
  } catch (error) {
    if (error instanceof Error && error.name === 'ProgramError') throw error.cause;
    process.exit(report(error, debug));
  }
}

/** The exit code; undefined where the process ends by itself, when its work is done. */
async function command(args: readonly string[]): Promise<number | undefined> {
  const [name, ...rest] = args;
  if (name === undefined) {
    process.stderr.write(HELP);
    return 2;
  }
  if (name === '--help' || name === '-h') return print(HELP);
  if (name === '--version' || name === '-v' || name === '-V') return print(`${version()}\n`);
  if (name === 'help') return await command(rest[0] === undefined ? ['--help'] : [rest[0], '--help']);
  if (name === 'map') return await map(rest);
  if (name === 'run') return await runProgram(rest);
  throw await unknownCommand(name);
}

async function map(args: readonly string[]): Promise<number> {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  const { makePlan, mapSpec } = await import('./map/plan.ts');
  if (own.includes('--help') || own.includes('-h')) return await printHelp(mapSpec);
  const { parseOptions } = await import('./options.ts');
  const plan = makePlan(parseOptions(mapSpec, args));
  const { mapCommand } = await import('./map/map-command.ts');
  return await untilSignal((signal) => mapCommand(plan, signal));
}

async function runProgram(args: readonly string[]): Promise<number | undefined> {
  const { runCommand, runSpec } = await import('./run-command.ts');
  // What stands behind the script is the script's own, its --help too.
  if (args[0] === '--help' || args[0] === '-h') return await printHelp(runSpec);
  return await runCommand(args);
}

async function printHelp(spec: CommandSpec): Promise<number> {
  const { helpText } = await import('./options.ts');
  return print(helpText(spec));
}

async function unknownCommand(name: string): Promise<CliError> {
  const { closest } = await import('./options.ts');
  const what = name.startsWith('-') ? `option ${name}` : `command '${name}'`;
  const guess = closest(name, COMMANDS);
  let hint = guess === undefined ? '' : ` Did you mean 'heddle ${guess}'?`;
  if (/\.[cm]?[jt]s$/.test(name)) hint = ` Did you mean 'heddle run ${name}'?`;
  return usageError(
    `Cannot use ${what}: there is no such ${name.startsWith('-') ? 'option' : 'command'}.${hint} See 'heddle --help'`,
  );
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function version(): string {
  const manifest = createRequire(import.meta.url)('heddle/package.json') as { version: string };
  return manifest.version;
}

/** The first SIGINT or SIGTERM aborts, and lets the work end well; a second one ends the process. */
async function untilSignal(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const onSignal = (name: 'SIGINT' | 'SIGTERM') => {
    if (exitCode !== undefined) process.exit(exitCode);
    exitCode = 128 + constants.signals[name];
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const code = await work(controller.signal);
  return exitCode ?? code;
}

/** Prints an error in one line; gives the exit code. */
function report(error: unknown, debug: boolean): number {
  const known = error instanceof CliError;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`heddle: ${message}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return known ? error.exitCode : 1;
}
