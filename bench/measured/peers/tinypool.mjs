import { fileURLToPath } from 'node:url';
import { Tinypool } from 'tinypool';

export async function open(threads) {
  const pool = make(threads);
  return (name, args) => pool.run(args, { name });
}

export async function openMoving() {
  const pool = make(1);
  return (buffer) => pool.run([buffer], { name: 'len', transferList: [buffer] });
}

function make(threads) {
  const filename = fileURLToPath(new URL('../workers/one-argument.mjs', import.meta.url));
  return new Tinypool({ filename, minThreads: threads, maxThreads: threads });
}
