/** Names of the files in `--output-dir`. */
import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import { usageError } from '../cli-error.ts';

/**
 * A file keeps its name and its place below the folder that all inputs have in common; an item that is no file is
 * called by its number, from `000001` on.
 */
export function outputNames(
  paths: readonly string[] | undefined,
  ext: string | undefined,
  ofLines: string,
): (index: number) => string {
  const extension = ext === undefined || ext === '' || ext.startsWith('.') ? ext : `.${ext}`;
  if (paths === undefined) return (index) => `${String(index + 1).padStart(6, '0')}${extension ?? ofLines}`;
  const absolute = paths.map((path) => resolve(path));
  const top = commonFolder(absolute);
  const names = absolute.map((path) => {
    const name = relative(top, path);
    return extension === undefined ? name : name.slice(0, name.length - extname(name).length) + extension;
  });
  checkDistinct(names, paths);
  return (index) => names[index]!;
}

function commonFolder(paths: readonly string[]): string {
  let top = dirname(paths[0] ?? '.');
  for (const path of paths) while (!path.startsWith(top.endsWith(sep) ? top : top + sep)) top = dirname(top);
  return top;
}

function checkDistinct(names: readonly string[], paths: readonly string[]): void {
  const seen = new Map<string, string>();
  names.forEach((name, index) => {
    const other = seen.get(name);
    if (other !== undefined)
      throw usageError(
        `Cannot name outputs: '${other}' and '${paths[index]}' would both be written to '${join(name)}'. Use another --ext`,
      );
    seen.set(name, paths[index]!);
  });
}
