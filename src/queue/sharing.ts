/** How the classes of queues are shared between threads: they differ in the order of their items. */

import { DATA, LISTS, QUEUE_JOINERS, QUEUE_PUTTERS, QUEUE_WORDS } from '../memory/layout.ts';
import { parkingOf } from '../park/own-parking.ts';
import { registerShared, type SharedHandle, type Sharing } from '../sync/shared-handle.ts';
import type { Order } from './states.ts';
import { Store } from './store.ts';
import { freeItems, reclaimHeld, reclaimItem, recover, relink } from './store-mend.ts';

type QueueClass = abstract new (...args: never[]) => Disposable;

const sharings = new Map<unknown, Sharing<Store>>();

/** How objects of the class or one that it extends are shared. */
export function sharingOf(type: unknown): Sharing<Store> {
  for (let one = type; one !== null; one = Object.getPrototypeOf(one)) {
    const found = sharings.get(one);
    if (found !== undefined) return found;
  }
  throw new TypeError('not a class of queues');
}

export function registerQueue<T extends Disposable>(
  kind: number,
  what: string,
  order: Order,
  type: QueueClass,
  make: (name: string | undefined) => T,
  handleOf: (queue: T) => SharedHandle<Store>,
): void {
  sharings.set(type, {
    kind,
    what,
    more: QUEUE_WORDS - DATA,
    core: (parking, object, record) => new Store(parking, object, record, order),
  });
  const storeOf = (heap: Parameters<typeof parkingOf>[0], object: number): Store =>
    new Store(parkingOf(heap), object, 0, order);
  registerShared(kind, {
    type,
    lists: [LISTS, QUEUE_PUTTERS, QUEUE_JOINERS],
    handleOf,
    make,
    recover: (heap, object) => recover(storeOf(heap, object)),
    reclaim: reclaimHeld,
    reclaimItem: (heap, object, item, dead) => reclaimItem(heap, object, item, dead, order),
    rebuild: (heap, object) => relink(heap, object, order),
    free: (heap, object) => freeItems(storeOf(heap, object)),
  });
}
