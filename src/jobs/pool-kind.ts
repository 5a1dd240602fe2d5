/** What the memory must know of pools. Their class adds how handles are made, where it is loaded. */
import { type Kind, POOL, registerKind } from '../memory/kinds.ts';
import { LISTS, POOL_ROOM } from '../memory/layout.ts';
import { parkingOf } from '../park/own-parking.ts';
import { buryJob, freePool, reclaimJob, reclaimSlots, recover, relink } from './job-mend.ts';
import { JobStore } from './job-store.ts';

type Mending = Pick<Kind, 'lists' | 'recover' | 'reclaim' | 'reclaimJob' | 'buryJob' | 'rebuild' | 'free'>;

const storeOf = (heap: Parameters<Kind['recover']>[0], object: number): JobStore =>
  new JobStore(parkingOf(heap), object, 0);

export const poolMending: Mending = {
  lists: [LISTS, POOL_ROOM],
  recover: (heap, object) => recover(storeOf(heap, object)),
  reclaim: reclaimSlots,
  reclaimJob: (heap, object, job, dead) => reclaimJob(storeOf(heap, object), job, dead),
  buryJob,
  rebuild: relink,
  free: freePool,
};

class NoPool {}

function cannot(): never {
  throw new TypeError('The class of pools has not been loaded in this thread');
}

/** For a thread that only runs jobs. Where the class of pools is loaded, that has registered more. */
export function registerPoolKind(): void {
  if (hasPoolClass) return;
  registerKind(POOL, { ...poolMending, type: NoPool, enter: cannot, another: cannot, restore: cannot });
}

let hasPoolClass = false;

/** The class of pools has registered itself. */
export function poolClassLoaded(): void {
  hasPoolClass = true;
}
