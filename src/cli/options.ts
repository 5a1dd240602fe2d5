/**
 * Options of a command as data: one table gives the parser, its messages and the help text.
 *
 * Built on `parseArgs` of node:util: it keeps every value a string (a file named `007` stays so), which the packages
 * that convert numbers do not, and costs nothing to load.
 */
import { parseArgs } from 'node:util';
import { usageError } from './cli-error.ts';

export interface OptionSpec {
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in the help text; an option without it is a flag. */
  readonly value?: string;
  /** The only values that are accepted. */
  readonly choices?: readonly string[];
  /** May be given more than once. */
  readonly repeatable?: boolean;
  readonly help: string;
}

export interface CommandSpec {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  /** Options in groups, each with its heading. */
  readonly options: Readonly<Record<string, readonly OptionSpec[]>>;
  readonly examples: readonly string[];
}

/** What was given: flags by name, values by name (all of them, in order), and the rest. */
export interface GivenOptions {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

export function parseOptions(spec: CommandSpec, args: readonly string[]): GivenOptions {
  const known = Object.values(spec.options).flat();
  const flags = new Set<string>();
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      known.map((option) => [
        option.name,
        {
          type: option.value === undefined ? 'boolean' : 'string',
          ...(option.short === undefined ? {} : { short: option.short }),
        } as const,
      ]),
    ),
  });
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = known.find((one) => one.name === token.name);
    if (option === undefined) throw unknownOption(spec, token.rawName, known);
    if (option.value === undefined) {
      if (token.value !== undefined)
        throw usageError(`Cannot use ${token.rawName}=${token.value}: ${token.rawName} takes no value`);
      flags.add(option.name);
      continue;
    }
    checkValue(option, token.rawName, token.value, token.inlineValue ?? false);
    const given = values.get(option.name) ?? [];
    given.push(token.value as string);
    values.set(option.name, given);
  }
  return { flags, values, positionals };
}

function checkValue(option: OptionSpec, rawName: string, value: string | undefined, inline: boolean): void {
  if (value === undefined || (!inline && /^--?[a-z]/i.test(value))) {
    const after = value === undefined ? 'nothing' : `'${value}'`;
    throw usageError(`Cannot use ${rawName}: it needs a value (${option.value}), and ${after} follows it`);
  }
  if (option.choices === undefined || option.choices.includes(value)) return;
  throw usageError(`Cannot use ${rawName} '${value}': must be one of ${option.choices.join(', ')}`);
}

function unknownOption(spec: CommandSpec, rawName: string, known: readonly OptionSpec[]): Error {
  const guess = closest(
    rawName.replace(/^-+/, ''),
    known.map((one) => one.name),
  );
  const hint = guess === undefined ? '' : ` Did you mean --${guess}?`;
  return usageError(
    `Cannot use option ${rawName}: 'heddle ${spec.name}' does not know it.${hint} See 'heddle ${spec.name} --help'`,
  );
}

/** The name most like `given`, if one is like it. */
export function closest(given: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(given.length / 3)) + 1;
  for (const name of names) {
    const prefix = given.length >= 3 && name.startsWith(given);
    const distance = prefix ? 0 : editDistance(given, name);
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}

/** How many letters must be added, dropped, changed, or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(change, swap, rows[i - 1]![j]! + 1, row[j - 1]! + 1));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** A whole number of at least `min`, written in digits alone. */
export function wholeNumber(text: string, option: string, min: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw usageError(`Cannot use ${option} '${text}': must be a whole number of at least ${min}`);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A length of time such as `500ms`, `5s`, `1.5m` or `2h`, in milliseconds; a bare number is milliseconds. */
export function duration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const value = match === null ? 0 : Number(match[1]) * UNITS[match[2] ?? 'ms']!;
  if (value > 0) return value;
  throw usageError(`Cannot use ${option} '${text}': must be a time above 0, such as 500ms, 5s or 2m`);
}

/** The help text of a command. */
export function helpText(spec: CommandSpec): string {
  const lines = [spec.summary, '', 'Usage', ...spec.usage.split('\n').map((line) => `  ${line}`)];
  for (const [heading, options] of Object.entries(spec.options)) {
    lines.push('', heading);
    for (const option of options) {
      const short = option.short === undefined ? '    ' : `-${option.short}, `;
      const left = `  ${short}--${option.name}${option.value === undefined ? '' : ` <${option.value}>`}`;
      const [first, ...more] = option.help.split('\n');
      lines.push(`${left.padEnd(32)} ${first}`, ...more.map((line) => `${''.padEnd(33)}${line}`));
    }
  }
  if (spec.examples.length > 0) lines.push('', 'Examples', ...spec.examples.map((example) => `  ${example}`));
  return `${lines.join('\n')}\n`;
}
