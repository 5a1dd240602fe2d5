/** Its Mutex reaches other threads by its own `spawn` only. On Node 20 it needs two globals that came later. */
import '../../peers/multithreading.mjs';
import { initRuntime, Mutex, move, spawn } from 'multithreading';

export const create = () => new Mutex();
export const acquireSync = (lock) => lock.blockingLock();
export const acquire = (lock) => lock.lock();
export const release = (_lock, guard) => guard.dispose();

let initialized = false;

export async function start(locks, { role, control, pause }) {
  if (!initialized) initRuntime({ maxWorkers: 1 });
  initialized = true;
  // It would warn of the words, which no lock of its own guards.
  console.warn = () => {};
  const url = new URL('../other-thread.mjs', import.meta.url).href;
  const outcome = spawn(
    move(url, role, control, pause, ...locks),
    async (file, name, words, time, ...own) => {
      const { roles } = await import(file);
      const ops = {
        acquireSync: (lock) => lock.blockingLock(),
        acquire: (lock) => lock.lock(),
        release: (_lock, guard) => guard.dispose(),
      };
      await roles[name](ops, own, words, time);
    },
  ).join();
  outcome.then((result) => {
    if (!result.ok) throw result.error;
  });
}
