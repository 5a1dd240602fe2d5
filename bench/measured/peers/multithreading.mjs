/**
 * It sends the source of a function, and moves buffers instead of copying them: to keep one's own, as the other
 * peers do, one copies it first. On Node 20 it needs two globals that came later.
 */
import { functions } from '../functions.mjs';

globalThis.navigator ??= { hardwareConcurrency: 2 };
Promise.withResolvers ??= function withResolvers() {
  let resolve;
  let reject;
  const promise = new Promise((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
};
const { initRuntime, move, spawn } = await import('multithreading');

export async function open(threads) {
  initRuntime({ maxWorkers: threads });
  return async (name, args) => {
    const own = args[0] instanceof ArrayBuffer ? [args[0].slice(0)] : args;
    return run(name, own);
  };
}

export async function openMoving() {
  initRuntime({ maxWorkers: 1 });
  return (buffer) => run('len', [buffer]);
}

async function run(name, args) {
  const outcome = await spawn(move(...args), functions[name]).join();
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}
