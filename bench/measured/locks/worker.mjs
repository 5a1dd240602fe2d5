/** The other thread of the peers that do not bring threads of their own. */
import { workerData } from 'node:worker_threads';
import { roles } from './other-thread.mjs';

// A wait on the loop would not keep the thread.
setInterval(() => {}, 1000);
const { peer, role, tokens, control, pause } = workerData;
const ops = await import(`./peers/${peer}.mjs`);
await roles[role](ops, tokens.map(ops.restore), control, pause);
