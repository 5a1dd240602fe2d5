/** Items of a thread that is said to have died, though it has not. For tests, which model threads on one loop. */
import { Atomics } from '#atomics';
import { QUEUE_DIED, QUEUE_UNHEARD, SECTION } from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';
import { handleOf, type Queue } from './queue.ts';

/** `count` items that this thread has taken, and not marked as done, count as done; a joiner hears of a death. */
export function abandonItems(queue: Queue<unknown>, count: number): void {
  if (count === 0) return;
  const store = handleOf(queue).core;
  const { object, parking } = store;
  const { words, token: me } = parking.heap;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(parking.heap, object);
  words[object + QUEUE_UNHEARD] = 1;
  words[object + QUEUE_DIED] = 0;
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  for (let left = count; left > 0; left--) store.taskDone();
}
