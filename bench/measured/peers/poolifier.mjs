import { fileURLToPath } from 'node:url';
import { FixedThreadPool } from 'poolifier';

export async function open(threads) {
  const file = fileURLToPath(new URL('../workers/poolifier.mjs', import.meta.url));
  const pool = new FixedThreadPool(threads, file);
  return (name, args) => pool.execute(args, name);
}
