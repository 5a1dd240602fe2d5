/** Streams by hand, through one MessagePort: as fast as they can be posted, with nothing to hold the sender back. */
import { MessageChannel } from 'node:worker_threads';
import { startThread } from '../start-thread.mjs';
import { DONE, newControl, waitFor } from '../words.mjs';
import { arrived, tellBurst } from './measurements.mjs';
import { checkItem, kinds, postItems } from './roles.mjs';

/** @param {string} peer @param {number} batch items in each message */
export async function openPort(peer, batch, direction) {
  const control = newControl();
  const { port1: port, port2: other } = new MessageChannel();
  startThread('queues', peer, direction === 'threadToLoop' ? 'post' : 'receive', [other], control, [other]);
  await arrived(control, 1);
  if (direction !== 'threadToLoop') {
    return {
      burst: async ({ kind }, count) => {
        const phase = tellBurst(control, kind, 0, count);
        postItems(port, batch, kinds[kind].make, count);
        waitFor(control, DONE, phase);
      },
    };
  }
  let index = 0;
  let wanted = 0;
  let { is } = kinds.numbers;
  let done = () => {};
  port.on('message', (message) => {
    if (batch === 1) checkItem(is, message, index++);
    else for (const item of message) checkItem(is, item, index++);
    if (index === wanted) done();
  });
  return {
    burst: ({ kind }, count) =>
      new Promise((resolve) => {
        [index, wanted, is, done] = [0, count, kinds[kind].is, resolve];
        tellBurst(control, kind, 0, count);
      }),
  };
}
