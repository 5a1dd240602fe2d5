/** Names of the files that bundles for threads go to, where the bundler leaves them to us. */
import { createHash } from 'node:crypto';
import { basename, relative, sep } from 'node:path';

const PREFIX = 'heddle-';

/**
 * The file, without its extension, for the module at `path`: the same in every build of a project whose root is `root`, for
 * it is written into code before anything is built.
 */
export function threadFile(path: string, root: string): string {
  const from = relative(root, path).split(sep).join('/');
  const hash = createHash('sha256').update(from).digest('hex').slice(0, 8);
  const stem = basename(path)
    .replace(/\.[^.]*$/, '')
    .replace(/[^\w.-]/g, '_');
  return `${PREFIX}${stem}-${hash}`;
}
