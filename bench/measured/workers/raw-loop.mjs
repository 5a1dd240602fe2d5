/** As `raw.mjs`, for functions that answer later. */
import { parentPort } from 'node:worker_threads';
import { functions } from '../functions.mjs';

parentPort.on('message', async ([id, name, args]) =>
  parentPort.postMessage([id, await functions[name](...args)]),
);
