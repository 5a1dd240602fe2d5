/** Another thread of a measurement, for peers that do not bring threads of their own: see `start-thread.mjs`. */
import { workerData } from 'node:worker_threads';

// A wait on the loop would not keep the thread.
setInterval(() => {}, 1000);
const { folder, peer, role, tokens, control } = workerData;
const ops = await import(`./${folder}/peers/${peer}.mjs`);
const { roles } = await import(`./${folder}/roles.mjs`);
await roles[role](ops, tokens.map(ops.restore), control);
