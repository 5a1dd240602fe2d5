import { parentPort } from 'node:worker_threads';
import { functions } from '../functions.mjs';

parentPort.on('message', ([id, name, args]) => parentPort.postMessage([id, functions[name](...args)]));
