import { fileURLToPath } from 'node:url';
import { Tinypool } from 'tinypool';

export async function open(threads) {
  const filename = fileURLToPath(new URL('../workers/one-argument.mjs', import.meta.url));
  const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads });
  return (name, args) => pool.run(args, { name });
}
