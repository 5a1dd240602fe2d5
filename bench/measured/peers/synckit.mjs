/** Blocking calls only. */
import { fileURLToPath } from 'node:url';
import { createSyncFn } from 'synckit';

export async function openSync() {
  return createSyncFn(fileURLToPath(new URL('../workers/synckit.mjs', import.meta.url)));
}
