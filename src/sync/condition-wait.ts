/** Waiting for a condition, on the loop or blocked: without the lock, and with it again at the end. */
import { NotOwnerError, TimeoutError } from '../core/errors.ts';
import { type CheckedWait, throwIfEnded, type Wanted, waitAsync, waitSync } from '../park/wait.ts';
import { ambient, currentScope, Scope } from '../scope/scope.ts';
import { shield } from '../scope/shield.ts';
import type { ConditionWord } from './condition-word.ts';
import type { HeldGuard } from './guard.ts';
import { AFTER_DEATH, type LockWord, type Taken } from './lock-word.ts';
import type { SharedHandle } from './shared-handle.ts';

type LockGuard = HeldGuard<object>;

/** A notification. What is given is the ticket of the last who might get it as well. */
class Notification implements Wanted<number> {
  readonly parking: ConditionWord['parking'];
  readonly object: number;
  readonly #handle: SharedHandle<ConditionWord>;
  readonly #condition: ConditionWord;
  readonly #guard: LockGuard;

  constructor(handle: SharedHandle<ConditionWord>, guard: LockGuard) {
    this.#handle = handle;
    this.#condition = handle.coreInUse;
    this.#guard = guard;
    this.parking = this.#condition.parking;
    this.object = this.#condition.object;
  }

  /** It is for those who wait by then. */
  isThere(): boolean {
    return false;
  }

  /** Nothing is to be had by looking again. */
  hasLine(): boolean {
    return true;
  }

  attempt(): undefined {}

  /** First into the queue, then without the lock: whoever notifies finds it there. */
  line(node: number): undefined {
    this.#condition.line(node);
    this.#guard.suspend();
  }

  granted(upTo: number): number {
    return upTo;
  }

  withdraw(node: number): undefined {
    this.#condition.queue.remove(node);
  }

  begin(): void {
    this.#handle.use();
  }

  end(): void {
    this.#handle.unuse();
  }

  describe(): string {
    return `Cannot wait for ${this.#handle.describe()}`;
  }
}

/** For a time-out of 0: there is no notification before somebody waits. */
function notAtOnce(handle: SharedHandle<ConditionWord>): TimeoutError {
  return new TimeoutError(
    `Cannot wait for ${handle.describe()}: a notification cannot be had at once, for it goes to those who wait`,
  );
}

/**
 * Waits until it is notified, by a guard that has the lock, and has it again at the end, however it ends. Only if waiting
 * for the lock itself fails, or the guard was given up meanwhile, it has not.
 */
export async function waitNotified(
  handle: SharedHandle<ConditionWord>,
  guard: LockGuard,
  wait: CheckedWait,
): Promise<void> {
  if (wait.timeout === 0) throw notAtOnce(handle);
  const condition = handle.coreInUse;
  const lock = guard.lockWord!;
  let upTo: number | undefined;
  let used = false;
  let back = true;
  handle.use();
  try {
    try {
      upTo = await waitAsync(new Notification(handle, guard), wait, same);
    } finally {
      if (guard.released) back = await regain(guard, lock, wait.keepAlive);
    }
    if (!back) throw givenUp(handle);
    // If it was cancelled meanwhile, somebody else can use the notification.
    throwIfEnded(wait.signal);
    used = true;
  } finally {
    if (upTo !== undefined) settle(condition, upTo, used);
    handle.unuse();
  }
}

/** The same, blocking. */
export function waitNotifiedSync(
  handle: SharedHandle<ConditionWord>,
  guard: LockGuard,
  timeout: number,
): void {
  if (timeout === 0) throw notAtOnce(handle);
  const condition = handle.coreInUse;
  const lock = guard.lockWord!;
  let upTo: number | undefined;
  let used = false;
  handle.use();
  try {
    try {
      upTo = waitSync(new Notification(handle, guard), timeout);
    } finally {
      if (guard.suspended) regainSync(guard, lock);
    }
    throwIfEnded();
    used = true;
  } finally {
    if (upTo !== undefined) settle(condition, upTo, used);
    handle.unuse();
  }
}

function settle(condition: ConditionWord, upTo: number, used: boolean): void {
  if (used) condition.used();
  else condition.passOn(upTo);
}

/**
 * Takes the lock again, whatever is cancelled. False if the guard was given up, before or meanwhile.
 *
 * @throws OwnerDiedError and the guard has the lock.
 */
async function regain(guard: LockGuard, lock: LockWord, keepAlive: boolean): Promise<boolean> {
  if (!guard.suspended) return false;
  let taken = lock.attempt();
  if (taken === undefined) {
    const wait: CheckedWait = { timeout: Infinity, signal: undefined, keepAlive };
    const retake = (): Promise<Taken> => waitAsync(lock, wait, same);
    try {
      taken = await (currentScope() === undefined ? retake() : shield(retake));
    } finally {
      if (taken === undefined) guard.drop();
    }
  }
  if (guard.suspended) {
    guard.resume(taken);
    return true;
  }
  if (taken === AFTER_DEATH) lock.abandon();
  else lock.release();
  return false;
}

function regainSync(guard: LockGuard, lock: LockWord): void {
  let taken = lock.attempt();
  if (taken === undefined) {
    const scope = currentScope();
    try {
      taken = scope === undefined ? waitSync(lock, Infinity) : blockShielded(scope, lock);
    } finally {
      if (taken === undefined) guard.drop();
    }
  }
  guard.resume(taken);
}

function blockShielded(around: Scope, lock: LockWord): Taken {
  const scope = new Scope(around, { shielded: true });
  try {
    return ambient.run(scope, () => waitSync(lock, Infinity));
  } finally {
    scope.close();
  }
}

function givenUp(handle: SharedHandle<ConditionWord>): NotOwnerError {
  return new NotOwnerError(
    `Cannot wait for ${handle.describe()}: its guard was given up meanwhile; await wait() before you leave the guard's block`,
  );
}

function same<T>(value: T): T {
  return value;
}
