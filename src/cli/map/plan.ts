/** The options of `heddle map`: their table, and what they amount to once checked. */
import { availableParallelism } from 'node:os';
import { usageError } from '../cli-error.ts';
import { type CommandSpec, duration, type GivenOptions, wholeNumber } from '../options.ts';
import type { InputKind } from './inputs.ts';

export const mapSpec: CommandSpec = {
  name: 'map',
  summary: 'Runs a function over every input, on every core.',
  usage: "heddle map [options] <module> [inputs…]\nheddle map [options] -e '<function>' [inputs…]",
  options: {
    'What to run': [
      {
        name: 'export',
        value: 'name',
        help: 'the export of the module to call (default: its default export)',
      },
      {
        name: 'eval',
        short: 'e',
        value: 'function',
        help: "an inline function instead of a module: 'line => …'",
      },
      {
        name: 'arg',
        value: 'key=value',
        repeatable: true,
        help: 'a constant; all of them are the second argument, one object\n(a value that is JSON is parsed; may be repeated)',
      },
      { name: 'init', value: 'module#fn', help: 'called once in each thread, before the first item' },
    ],
    Inputs: [
      {
        name: 'input',
        value: 'kind',
        choices: ['files', 'lines', 'ndjson'],
        help: 'files: the paths named are the items; lines, ndjson: the lines in them\n(default: files; ndjson for *.ndjson and *.jsonl;\nwithout inputs the lines of stdin, or NDJSON if they look so)',
      },
      { name: 'null', short: '0', help: 'items end with NUL, as find -print0 writes them' },
    ],
    Results: [
      {
        name: 'format',
        value: 'kind',
        choices: ['ndjson', 'raw'],
        help: 'ndjson: a line of JSON each; raw: text and bytes as they are\n(default: ndjson; raw with --output-dir)',
      },
      { name: 'output', short: 'o', value: 'file', help: 'write results to a file instead of stdout' },
      { name: 'output-dir', value: 'folder', help: 'write a file per item, named like its input' },
      { name: 'ext', value: '.ext', help: 'the extension of files in --output-dir' },
      { name: 'unordered', help: 'results as they come, not in the order of the inputs' },
    ],
    Running: [
      {
        name: 'threads',
        short: 't',
        value: 'n',
        help: `how many threads (default: one per core, here ${availableParallelism()})`,
      },
      { name: 'memory', value: 'MB', help: 'how much heap a thread may use' },
      { name: 'timeout', value: 'time', help: 'the longest an item may run: 500ms, 5s, 2m' },
      { name: 'retries', value: 'n', help: 'try an item that failed again, after 0.1 s, 0.2 s, 0.4 s, …' },
      {
        name: 'on-error',
        value: 'what',
        choices: ['stop', 'skip', 'collect'],
        help: 'stop at the first item that fails (default), leave it out,\nor write a record of its error in its place',
      },
      {
        name: 'journal',
        value: 'file',
        help: 'keep a journal: the same command goes on where it was stopped',
      },
    ],
    Reporting: [
      { name: 'summary', help: 'print the closing summary also where stderr is no terminal' },
      {
        name: 'stats',
        value: 'json',
        choices: ['json'],
        help: 'print the summary as one JSON object on stderr',
      },
      { name: 'quiet', short: 'q', help: 'no progress bar and no summary' },
      { name: 'dry-run', help: 'show what would be run, and run nothing' },
      { name: 'debug', help: 'show the stacks of errors' },
      { name: 'help', short: 'h', help: 'show this text' },
    ],
  },
  examples: [
    "heddle map ./resize.ts 'photos/**/*.jpg' --output-dir small --arg width=800",
    'heddle map ./score.ts big.ndjson --output scored.ndjson --journal scored.journal',
    "cat words.txt | heddle map -e 'line => line.length' --format raw",
  ],
};

export type OnError = 'stop' | 'skip' | 'collect';

export interface MapPlan {
  readonly module: string | undefined;
  readonly exportName: string;
  readonly expression: string | undefined;
  readonly init: { readonly module: string; readonly name: string } | undefined;
  readonly constants: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
  readonly inputKind: InputKind | undefined;
  readonly nul: boolean;
  readonly format: 'ndjson' | 'raw';
  readonly output: string | undefined;
  readonly outputDir: string | undefined;
  readonly ext: string | undefined;
  readonly ordered: boolean;
  readonly threads: number;
  readonly memory: number | undefined;
  readonly timeout: number | undefined;
  readonly timeoutText: string | undefined;
  readonly retries: number;
  readonly onError: OnError;
  readonly journal: string | undefined;
  readonly summary: boolean;
  readonly stats: boolean;
  readonly quiet: boolean;
  readonly dryRun: boolean;
  readonly debug: boolean;
}

export function makePlan({ flags, values, positionals }: GivenOptions): MapPlan {
  const one = (name: string) => values.get(name)?.at(-1);
  const count = (name: string, min: number) => {
    const text = one(name);
    return text === undefined ? undefined : wholeNumber(text, `--${name}`, min);
  };
  const expression = one('eval');
  const [module, inputs] =
    expression === undefined ? [positionals[0], positionals.slice(1)] : [undefined, positionals];
  const timeoutText = one('timeout');
  const plan: MapPlan = {
    module,
    exportName: one('export') ?? 'default',
    expression,
    init: parseInit(one('init')),
    constants: parseConstants(values.get('arg') ?? []),
    inputs,
    inputKind: one('input') as InputKind | undefined,
    nul: flags.has('null'),
    format: (one('format') as 'ndjson' | 'raw' | undefined) ?? (values.has('output-dir') ? 'raw' : 'ndjson'),
    output: one('output'),
    outputDir: one('output-dir'),
    ext: one('ext'),
    ordered: !flags.has('unordered'),
    threads: count('threads', 1) ?? availableParallelism(),
    memory: count('memory', 1),
    timeout: timeoutText === undefined ? undefined : duration(timeoutText, '--timeout'),
    timeoutText,
    retries: count('retries', 0) ?? 0,
    onError: (one('on-error') as OnError | undefined) ?? 'stop',
    journal: one('journal'),
    summary: flags.has('summary'),
    stats: values.has('stats'),
    quiet: flags.has('quiet'),
    dryRun: flags.has('dry-run'),
    debug: flags.has('debug'),
  };
  checkTogether(plan);
  return plan;
}

function checkTogether(plan: MapPlan): void {
  const { module, expression, exportName, output, outputDir, ext, journal, threads } = plan;
  if (module === undefined && expression === undefined)
    throw usageError(
      "Cannot run 'heddle map': no module is named. Name one, or give a function with -e; see 'heddle map --help'",
    );
  if (expression !== undefined && exportName !== 'default')
    throw usageError('Cannot use --export with -e: an inline function has no exports');
  if (output !== undefined && outputDir !== undefined)
    throw usageError('Cannot use --output with --output-dir: choose one of them');
  if (ext !== undefined && outputDir === undefined)
    throw usageError('Cannot use --ext: it names files of --output-dir, which is missing');
  if (journal !== undefined && output === undefined && outputDir === undefined)
    throw usageError(
      'Cannot use --journal: what went to stdout cannot be taken back, so such a run cannot be gone on with. Add --output <file> or --output-dir <folder>',
    );
  if (threads > 1024)
    throw usageError(`Cannot use --threads '${threads}': more than 1024 threads are never faster`);
}

function parseInit(text: string | undefined): { module: string; name: string } | undefined {
  if (text === undefined) return undefined;
  const at = text.lastIndexOf('#');
  const [module, name] = at < 0 ? [text, 'default'] : [text.slice(0, at), text.slice(at + 1)];
  if (module !== '' && name !== '') return { module, name };
  throw usageError(
    `Cannot use --init '${text}': must be a module and one of its functions, such as ./setup.ts#warmUp`,
  );
}

function parseConstants(args: readonly string[]): Record<string, unknown> {
  const constants: Record<string, unknown> = {};
  for (const arg of args) {
    const at = arg.indexOf('=');
    if (at <= 0) throw usageError(`Cannot use --arg '${arg}': must be key=value`);
    // Not a plain assignment: `__proto__` is a key like any other.
    Object.defineProperty(constants, arg.slice(0, at), {
      value: parseConstant(arg.slice(at + 1)),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return constants;
}

function parseConstant(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
