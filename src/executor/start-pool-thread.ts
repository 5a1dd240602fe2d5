/** Starting a thread of a pool. */
import type { SentBuffers } from '../jobs/message-buffers.ts';
import type { Parking } from '../park/parking.ts';
import { addressOf } from '../thread/parcels.ts';
import { mainLoopForThreads } from './main-loop.ts';
import type { PoolSettings } from './pool-options.ts';
import { PoolThread, type PoolThreadEvents } from './pool-thread.ts';

interface Pool {
  readonly settings: PoolSettings;
  readonly object: number;
  readonly parking: Parking;
  /** What threads that come later must be sent. */
  readonly buffers: SentBuffers;
}

/** Starts one beside `threads`, in the first place that is free. */
export function startPoolThread(
  { settings, object, parking, buffers }: Pool,
  threads: Iterable<PoolThread>,
  events: PoolThreadEvents,
): PoolThread {
  const taken = new Set([...threads].map((thread) => thread.slot));
  let slot = 0;
  while (taken.has(slot)) slot++;
  const { name, initializer, resourceLimits, env, execArgv, concurrency, scheduling, spin, isLoop, slowMs } =
    settings;
  const { heap, handles } = parking;
  const options = {
    name: isLoop ? name : `${name}-${slot + 1}`,
    keeper: heap.token,
    concurrency,
    spin,
    keepsOwn: scheduling === 'stealing',
    isLoop,
    slowMs,
    mainLoop: mainLoopForThreads(),
    initializer,
    resourceLimits,
    env,
    execArgv,
  };
  const thread = new PoolThread(slot, heap.words, options, events);
  for (const message of buffers.messages()) thread.remote.post(message);
  const parcel = handles.pack(object, addressOf(heap, thread.remote.threadId));
  thread.remote.post({ type: 'begin', pool: object, parcel });
  return thread;
}
