import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';

export async function open(threads) {
  const file = fileURLToPath(new URL('../workers/workerpool.mjs', import.meta.url));
  const pool = workerpool.pool(file, { workerType: 'thread', minWorkers: threads, maxWorkers: threads });
  return (name, args) => pool.exec(name, args);
}
