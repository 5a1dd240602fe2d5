/**
 * One JavaScript file of a thread of the stress tests and all of heddle that it imports: so a thread starts in little
 * more time than an empty one, and a minute is enough for a thousand of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** The file, and what removes it again. */
export async function bundle(entry: URL): Promise<{ readonly file: string } & Disposable> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-stress-'));
  const file = join(folder, 'thread.mjs');
  const made = await rolldown({
    input: fileURLToPath(entry),
    platform: 'node',
    resolve: { conditionNames: ['heddle-source', 'node', 'import'] },
    treeshake: false,
    logLevel: 'silent',
  });
  await made.write({ file, format: 'esm', codeSplitting: false });
  await made.close();
  return { file, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
