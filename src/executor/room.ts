/** Waiting until a pool takes another job. */
import { now, nowWhileBlocked } from '../core/clock.ts';
import { DeadlockError, PoolFullError, TimeoutError } from '../core/errors.ts';
import { POOL_MAX_PENDING } from '../memory/layout.ts';
import type { Parking } from '../park/parking.ts';
import { granted } from '../park/turn.ts';
import {
  type CheckedWait,
  checkWait,
  rejection,
  throwIfEnded,
  type Wanted,
  waitAsync,
} from '../park/wait.ts';
import { StackProbe } from '../platform/stack.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { outside } from '../scope/outside.ts';
import type { SharedHandle } from '../sync/shared-handle.ts';
import { runnerFor } from '../thread/own-runner.ts';
import type { PoolJobs } from './pool-jobs.ts';
import type { Work } from './work.ts';

const stack = new StackProbe();

class Room implements Wanted<true> {
  readonly parking: Parking;
  readonly object: number;
  readonly #jobs: PoolJobs;
  readonly #handle: SharedHandle<PoolJobs>;
  readonly #isThere: () => boolean;

  constructor(jobs: PoolJobs, handle: SharedHandle<PoolJobs>, isThere: () => boolean) {
    this.#isThere = isThere;
    this.#jobs = jobs;
    this.#handle = handle;
    this.parking = jobs.store.parking;
    this.object = jobs.store.object;
  }

  isThere(): boolean {
    return this.#isThere();
  }

  hasLine(): boolean {
    return false;
  }

  attempt(): true | undefined {
    return this.#isThere() ? true : undefined;
  }

  line(node: number): undefined {
    this.#jobs.store.lineForRoom(node);
    // What came between the last look and this did not see it in the line.
    this.#jobs.store.serveRoom();
  }

  granted(): true {
    return true;
  }

  withdraw(node: number): undefined {
    this.#jobs.store.room.remove(node);
  }

  begin(): void {
    this.#handle.use();
  }

  end(): void {
    this.#handle.unuse();
  }

  describe(): string {
    return `Cannot wait for room in ${this.#handle.describe()}`;
  }
}

/** What who submits to a full pool gets. */
export function noRoomIn(jobs: PoolJobs): PoolFullError {
  return new PoolFullError(
    `Cannot submit to ${jobs.describe()}: it is full, maxPending is ${jobs.store.read(POOL_MAX_PENDING)}; await some of its jobs first, or waitForRoom()`,
  );
}

/** Throws what a job is called off by before it is put: an aborted signal; the cancellation of its task, unless nobody waits for it. */
export function throwIfCalledOff(work: Work, signal: AbortSignal | undefined): void {
  if (work.kind === 'call' && work.quiet === true) signal?.throwIfAborted();
  else throwIfEnded(signal);
}

/** Throws what a submit would be refused with, as far as can be seen before it. @throws as `PoolJobs.start` */
export function checkAccepts(jobs: PoolJobs, signal: AbortSignal | undefined): void {
  throwIfEnded(signal);
  jobs.checkOpen();
  if (jobs.isFull) throw noRoomIn(jobs);
}

/** @throws TimeoutError; ShutDownError, BrokenPoolError if there will be none. */
export function roomIn(
  jobs: PoolJobs,
  handle: SharedHandle<PoolJobs>,
  options: WaitOptions | undefined,
): Promise<void> {
  try {
    const wait = checkWait(options);
    throwIfEnded(wait.signal);
    jobs.checkOpen('wait for room in');
    if (jobs.store.hasRoom()) return granted(undefined);
    return waitForRoom(jobs, handle, wait);
  } catch (error) {
    return rejection(error);
  }
}

/** All who wait are woken when there is room: others may have been faster, or it was seen before the last of them put a job. */
async function waitForRoom(jobs: PoolJobs, handle: SharedHandle<PoolJobs>, wait: CheckedWait): Promise<void> {
  const end = now() + wait.timeout;
  const room = new Room(jobs, handle, () => jobs.store.hasRoom());
  do {
    await waitAsync(room, { ...wait, timeout: Math.max(end - now(), 0) }, () =>
      jobs.checkOpen('wait for room in'),
    );
  } while (!jobs.store.hasRoom());
}

/**
 * Blocks the thread until there is room, and calls `then`. A job of the pool itself gives its slot away until that returns: it may
 * be the very room.
 *
 * @throws TimeoutError; DeadlockError if no other thread could make room; ShutDownError, BrokenPoolError if there will be none.
 */
export function roomInSync(
  jobs: PoolJobs,
  handle: SharedHandle<PoolJobs>,
  timeout: number,
  then: () => void,
): void {
  const { store } = jobs;
  const { cells } = store.parking;
  const room = new Room(jobs, handle, () => store.hasRoom());
  const deadline = nowWhileBlocked() + timeout;
  const runner = runnerFor(store.object);
  const unblock = runner?.blockSlot();
  if (runner !== undefined && unblock === undefined)
    throw new DeadlockError(`${room.describe()}: only this thread could make some, and it has no spare left`);
  room.begin();
  try {
    while (!store.hasRoom()) {
      jobs.checkOpen('wait for room in');
      stack.probe();
      const cell = cells.take({ async: false });
      room.line(cell);
      const isOver = (): boolean => {
        jobs.keeper?.lookWhileBlocked();
        return cells.setBy(cell) !== 0 || store.hasRoom();
      };
      const over = store.parking.blockUntil(isOver, Math.max(deadline - nowWhileBlocked(), 0));
      // All who wait are woken: nobody misses a wake-up that is not taken.
      cells.cancel(cell);
      room.withdraw(cell);
      cells.free(cell);
      if (over) continue;
      throwIfEnded();
      throw new TimeoutError(`${room.describe()} within ${timeout} ms`);
    }
    then();
  } finally {
    room.end();
    unblock?.();
  }
}

/** Resolves once `isOver`: its state is looked at whenever that changes. */
export async function closedIn(
  jobs: PoolJobs,
  handle: SharedHandle<PoolJobs>,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver())
    await outside(() => waitAsync(new Room(jobs, handle, isOver), checkWait(undefined), () => undefined));
}
