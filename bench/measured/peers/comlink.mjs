/** comlink has no pool: one Worker per thread, dealt out in turn. */
import { Worker } from 'node:worker_threads';
import * as Comlink from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';

export async function open(threads) {
  const file = new URL('../workers/comlink.mjs', import.meta.url);
  const remotes = Array.from({ length: threads }, () => {
    const worker = new Worker(file);
    worker.setMaxListeners(0); // comlink adds a listener per call in flight
    return Comlink.wrap(nodeEndpoint(worker));
  });
  let turn = 0;
  return (name, args) => remotes[turn++ % threads][name](...args);
}

export async function openMoving() {
  const call = await open(1);
  return (buffer) => call('len', [Comlink.transfer(buffer, [buffer])]);
}
