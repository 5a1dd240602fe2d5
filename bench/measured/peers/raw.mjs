/**
 * The reference: Workers and their message ports by hand, tasks dealt out in turn, one message per task and per
 * result. No queue, no cancellation, no errors, no replacement of dead threads: what a pool adds is seen beside it.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';

export async function open(threads) {
  return openWith('raw', threads);
}

/** For functions that answer later. */
export async function openLoop() {
  return openWith('raw-loop', 1);
}

export async function openMoving() {
  const call = openWith('raw', 1);
  return (buffer) => call('len', [buffer], [buffer]);
}

function openWith(kind, threads) {
  const file = new URL(`../workers/${kind}.mjs`, import.meta.url);
  const pending = new Map();
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(file);
    worker.on('message', ([id, value]) => {
      pending.get(id)(value);
      pending.delete(id);
    });
    return worker;
  });
  let last = 0;
  return (name, args, transfer) =>
    new Promise((resolve) => {
      const id = ++last;
      pending.set(id, resolve);
      workers[id % threads].postMessage([id, name, args], transfer);
    });
}

export async function openSync() {
  const { port1, port2 } = new MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('../workers/raw-sync.mjs', import.meta.url), {
    workerData: { port: port2, signal },
    transferList: [port2],
  });
  let answers = 0;
  return (a, b) => {
    worker.postMessage([a, b]);
    Atomics.wait(signal, 0, answers++);
    return receiveMessageOnPort(port1).message;
  };
}
