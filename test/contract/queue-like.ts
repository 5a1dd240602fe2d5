/** The role "queue-like": items go in at one end and come out at the other. Who plays it is listed here. */
import { LifoQueue, PriorityQueue, Queue, type QueueOptions } from '../../src/index.ts';

export interface QueueImplementation {
  readonly name: string;
  create(options?: QueueOptions): Queue<number>;
  /** In which order it gives what was put into it in that order. */
  readonly order: (items: readonly number[]) => readonly number[];
}

export const QUEUES: readonly QueueImplementation[] = [
  { name: 'Queue', create: (options) => new Queue(options), order: (items) => items },
  { name: 'LifoQueue', create: (options) => new LifoQueue(options), order: (items) => items.toReversed() },
  { name: 'PriorityQueue', create: (options) => new PriorityQueue(options), order: (items) => items },
];
