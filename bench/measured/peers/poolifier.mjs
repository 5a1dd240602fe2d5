import { fileURLToPath } from 'node:url';
import { FixedThreadPool } from 'poolifier';

export async function open(threads) {
  const pool = make(threads);
  return (name, args) => pool.execute(args, name);
}

export async function openMoving() {
  const pool = make(1);
  return (buffer) => pool.execute([buffer], 'len', undefined, [buffer]);
}

function make(threads) {
  return new FixedThreadPool(threads, fileURLToPath(new URL('../workers/poolifier.mjs', import.meta.url)));
}
