/** The function given by `-e`. */
import { join } from 'node:path';
import vm from 'node:vm';
import { usageError } from '../cli-error.ts';
import type { MapFunction } from './prepare.ts';

/**
 * Compiles the text of a function. It sees globals alone, and `import('./x.js')` in it starts from the working folder.
 * Throws a usage error for anything that is no function.
 */
export function compileExpression(text: string): MapFunction {
  let value: unknown;
  try {
    value = evaluate(`(${text}\n)`);
  } catch (error) {
    throw usageError(`Cannot use -e '${text}': ${(error as Error).message}`);
  }
  if (typeof value === 'function') return value as MapFunction;
  throw usageError(
    `Cannot use -e '${text}': it is not a function but ${value === null ? 'null' : typeof value}. Write one such as 'line => line.length'`,
  );
}

function evaluate(source: string): unknown {
  const loader = (vm.constants as typeof vm.constants | undefined)?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  if (loader === undefined) {
    // biome-ignore lint/security/noGlobalEval: to run this text is what -e is for
    const indirect = eval;
    return indirect(source);
  }
  const filename = join(process.cwd(), '[-e]');
  return new vm.Script(source, { filename, importModuleDynamically: loader }).runInThisContext();
}
