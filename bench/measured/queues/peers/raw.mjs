/**
 * The reference. Streams: a MessagePort, a message for each item. Ping-pong and idling: bare words with `Atomics.wait`,
 * and `Atomics.waitAsync` on the loop. On one loop: arrays and promises.
 */
import { startThread } from '../../start-thread.mjs';
import { ARMED, expect, PING, PONG, tell } from '../../words.mjs';
import { arrived } from '../measurements.mjs';
import { openPort } from '../ports.mjs';

export const bare = true;
export const batch = 1;
export const restore = (port) => port;
export const openStream = (direction) => openPort('raw', batch, direction);
export const start = (role, tokens, control) => startThread('queues', 'raw', role, tokens, control);

export async function openTrip(control, asleep) {
  start(asleep ? 'bareEchoAsleep' : 'bareEcho', [], control);
  await arrived(control, 1);
  let step = 0;
  return async () => {
    tell(control, PING, step + 1);
    // A notification of the round before may come late, and then it waits again.
    while (Atomics.load(control, PONG) === step) {
      const { value } = Atomics.waitAsync(control, PONG, step);
      Atomics.store(control, ARMED, step + 1);
      await value;
    }
    expect(Atomics.load(control, PONG), ++step);
  };
}

/** On one loop: an array, and the promises of who waits. */
export function create(capacity) {
  return { items: [], head: 0, capacity, getters: [], putters: [] };
}

export async function put(queue, item) {
  while (queue.items.length - queue.head >= queue.capacity) {
    await new Promise((resolve) => queue.putters.push(resolve));
  }
  queue.items.push(item);
  queue.getters.shift()?.();
}

export async function get(queue) {
  while (queue.head === queue.items.length) await new Promise((resolve) => queue.getters.push(resolve));
  const item = queue.items[queue.head++];
  if (queue.head === 1024) {
    queue.items.splice(0, 1024);
    queue.head = 0;
  }
  queue.putters.shift()?.();
  return item;
}

export function openLimiter(limit) {
  let running = 0;
  const waiting = [];
  let first = 0;
  return async (task) => {
    if (running === limit) await new Promise((resolve) => waiting.push(resolve));
    else running++;
    try {
      await task();
    } finally {
      if (first < waiting.length) waiting[first++]();
      else running--;
    }
  };
}
