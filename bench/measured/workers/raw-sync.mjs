/** The other side of a blocking call: the answer goes into the port first, then the caller is woken. */
import { parentPort, workerData } from 'node:worker_threads';
import { functions } from '../functions.mjs';

const { port, signal } = workerData;
parentPort.on('message', ([a, b]) => {
  port.postMessage(functions.add(a, b));
  Atomics.add(signal, 0, 1);
  Atomics.notify(signal, 0);
});
