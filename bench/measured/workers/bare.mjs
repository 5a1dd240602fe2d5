/** The least a Worker can be: it says that it is there, and waits. */
import { parentPort } from 'node:worker_threads';

parentPort.on('message', () => {});
parentPort.postMessage('here');
