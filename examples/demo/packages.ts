import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const EXTENSIONS = new Set(['.js', '.mjs', '.cjs']);

export interface PackageFile {
  readonly packageName: string;
  readonly path: string;
  readonly bytes: number;
}

/**
 * The JavaScript files of installed packages, at most `limit` of each, the largest first: begun last, a large one would
 * keep one thread busy while the others have nothing left to do.
 *
 * @throws {Error} if a package is not installed, or has no JavaScript.
 */
export async function findFiles(packages: readonly string[], limit: number): Promise<PackageFile[]> {
  const files: PackageFile[] = [];
  for (const packageName of packages) {
    const paths = await javaScriptIn(packageName);
    if (paths.length === 0) throw new Error(`Cannot minify "${packageName}": it has no JavaScript files`);
    for (const path of paths.slice(0, limit)) {
      files.push({ packageName, path, bytes: (await stat(path)).size });
    }
  }
  return files.sort((a, b) => b.bytes - a.bytes);
}

async function javaScriptIn(packageName: string): Promise<string[]> {
  const entries = await readdir(join(NODE_MODULES, packageName), {
    recursive: true,
    withFileTypes: true,
  }).catch((cause: unknown) => {
    throw new Error(`Cannot minify "${packageName}": it is not installed; run npm ci, or name another`, {
      cause,
    });
  });
  return entries
    .filter((entry) => entry.isFile() && EXTENSIONS.has(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
