/** Queues whose most urgent item comes out first. */
import { PRIORITY_QUEUE } from '../memory/kinds.ts';
import { handleOfQueue, Queue } from './queue.ts';
import { registerQueue } from './sharing.ts';
import { PRIORITY } from './states.ts';

/**
 * A queue that gives the item first whose `priority` is the lowest number; of those with the same, the one that was put
 * first. All else is as in a Queue.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from 'heddle';
 *
 * const jobs = new PriorityQueue<string>();
 * await jobs.put('tidy up', { priority: 10 });
 * await jobs.put('put out the fire', { priority: -1 });
 * console.log(await jobs.get()); // put out the fire
 * ```
 */
export class PriorityQueue<T> extends Queue<T> {}

registerQueue(
  PRIORITY_QUEUE,
  'priority queue',
  PRIORITY,
  PriorityQueue,
  (name) => new PriorityQueue<unknown>({ name }),
  handleOfQueue,
);
