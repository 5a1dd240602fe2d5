/** Queues whose newest item comes out first. */
import { LIFO_QUEUE } from '../memory/kinds.ts';
import { handleOfQueue, Queue } from './queue.ts';
import { registerQueue } from './sharing.ts';
import { LIFO } from './states.ts';

/**
 * A queue that gives the item first which was put last. All else is as in a Queue.
 *
 * @example
 * ```ts
 * import { LifoQueue } from 'heddle';
 *
 * const stack = new LifoQueue<number>();
 * stack.tryPut(1);
 * stack.tryPut(2);
 * console.log(await stack.get()); // 2
 * ```
 */
export class LifoQueue<T> extends Queue<T> {}

registerQueue(
  LIFO_QUEUE,
  'LIFO queue',
  LIFO,
  LifoQueue,
  (name) => new LifoQueue<unknown>({ name }),
  handleOfQueue,
);
