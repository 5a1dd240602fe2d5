import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly packages: readonly string[];
  /** Files of each package, at most. */
  readonly limit: number;
  readonly threads: number | undefined;
}

const USAGE = 'Usage: npm run demo -- [packages…] [--threads n] [--limit n]';

/** The options of the command line; a wrong one ends the process with code 2. */
export function readArguments(args: readonly string[]): DemoOptions {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { threads: { type: 'string' }, limit: { type: 'string' } },
    });
    return {
      packages: positionals.length > 0 ? positionals : ['luxon', 'rxjs', 'lodash'],
      limit: wholeNumber('limit', values.limit) ?? Infinity,
      threads: wholeNumber('threads', values.threads),
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1) return value;
  throw new Error(`Cannot use --${name} '${text}': must be a whole number of at least 1`);
}
