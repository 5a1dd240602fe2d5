/** What is a step of a thread: the operations on what threads share. */
import { Atomics } from '#atomics';
import { Future } from '../../executor/future.ts';
import { Queue } from '../../queue/queue.ts';
import { Barrier } from '../../sync/barrier.ts';
import { CapacityLimiter } from '../../sync/capacity-limiter.ts';
import { Condition } from '../../sync/condition.ts';
import { Event } from '../../sync/event.ts';
import { HeldGuard } from '../../sync/guard.ts';
import { Latch } from '../../sync/latch.ts';
import { Lock } from '../../sync/lock.ts';
import { Once } from '../../sync/once.ts';
import { RLock } from '../../sync/rlock.ts';
import { RWLock } from '../../sync/rw-lock.ts';
import { Semaphore } from '../../sync/semaphore.ts';

const SHARED: readonly (abstract new (...args: never[]) => object)[] = [
  Lock,
  RLock,
  RWLock,
  Semaphore,
  CapacityLimiter,
  Event,
  Condition,
  Barrier,
  Latch,
  Once,
  Queue,
  Future,
  HeldGuard,
];

/** Properties of shared objects that others change: to read one is a step. */
export const LOOKS: ReadonlySet<string> = new Set([
  'available',
  'borrowed',
  'broken',
  'capacity',
  'count',
  'isDone',
  'isOpen',
  'isSet',
  'isShutDown',
  'locked',
  'read',
  'size',
  'status',
  'total',
  'unfinished',
  'value',
  'waiting',
  'write',
]);

/** Properties of shared objects that may be set: that is a step. */
export const SETS: ReadonlySet<string> = new Set(['capacity', 'total']);

/** Methods that change nothing which others see. */
const QUIET: ReadonlySet<PropertyKey> = new Set(['keep', 'then', 'catch', 'finally', 'addDoneCallback']);

/** What `rwLock.read` and `rwLock.write` have given: they are objects with `run()`, too. */
const sides = new WeakSet<object>();

/** Whether objects with that prototype are shared. */
const shared = new WeakMap<object, boolean>();

/** Whether threads share it by what heddle does. */
export function isShared(object: unknown): object is object {
  if (typeof object === 'function') return sides.has(object);
  if (typeof object !== 'object' || object === null) return false;
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === null) return false;
  let known = shared.get(prototype);
  if (known === undefined) {
    known = SHARED.some((each) => object instanceof each);
    shared.set(prototype, known);
  }
  return known;
}

/** Whether threads may share the memory that it shows. */
export function isMemory(object: unknown): boolean {
  return ArrayBuffer.isView(object) || object === Atomics;
}

/** Whether calling that method of it is a step. */
export function isStep(object: unknown, key: PropertyKey): boolean {
  if (isMemory(object)) return true;
  return isShared(object) && !QUIET.has(key);
}

/** Whether reading that property of it is a step. */
export function isLook(object: unknown, value: unknown): boolean {
  if (!isShared(object)) return false;
  // The sides of a lock are no state.
  if (typeof value !== 'function') return true;
  if (object instanceof RWLock) sides.add(value);
  return false;
}

/** The async form of a blocking one: `acquire` for `acquireSync`. */
export function asyncForm(object: unknown, key: PropertyKey): string | undefined {
  if (typeof key !== 'string' || !key.endsWith('Sync') || !isShared(object)) return undefined;
  return key.slice(0, -'Sync'.length);
}
