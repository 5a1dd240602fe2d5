import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';

export async function open(threads) {
  const pool = make(threads);
  return (name, args) => pool.exec(name, args);
}

export async function openMoving() {
  const pool = make(1);
  return (buffer) => pool.exec('len', [buffer], { transfer: [buffer] });
}

function make(threads) {
  const file = fileURLToPath(new URL('../workers/workerpool.mjs', import.meta.url));
  return workerpool.pool(file, { workerType: 'thread', minWorkers: threads, maxWorkers: threads });
}
