/**
 * What the other thread does in the measurements of locks, and the words both sides share. It is told what by the name
 * of one of these functions; `ops` are the operations of a peer, as in `peers/`.
 */

/** Indices into the words, a cache line apart. */
export const READY = 0;
export const GO = 16;
export const STOP = 32;
export const DONE = 48;
export const OPERATIONS = 64;
export const COUNTER = 80;
export const ARMED = 96;
export const PING = 112;
export const PONG = 128;
const NEVER = 144;
const STAMP = 160;

/** @returns {Int32Array} */
export function newControl() {
  return new Int32Array(new SharedArrayBuffer(1024));
}

/** Milliseconds, by a clock that all threads have in common. */
export function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** When the other thread released last, by `now()`; 0 before. @param {Int32Array} control */
export function stampOf(control) {
  return new Float64Array(control.buffer, STAMP * 4, 1);
}

/** Blocks until a word is `value`. @param {Int32Array} control @param {number} word @param {number} value */
export function waitFor(control, word, value) {
  for (;;) {
    const seen = Atomics.load(control, word);
    if (seen === value) return;
    if (Atomics.wait(control, word, seen, 15_000) === 'timed-out')
      throw new Error(`Cannot go on: nothing has come from the other thread for 15 s (word ${word})`);
  }
}

/** @param {Int32Array} control @param {number} word @param {number} value */
export function tell(control, word, value) {
  Atomics.store(control, word, value);
  Atomics.notify(control, word);
}

/**
 * Adds to the shared counter under the lock until both are to stop: one of them has an end, by `performance.now()`.
 * @returns how often it did
 */
export function contendSync(ops, lock, control, end = Infinity) {
  let operations = 0;
  while (Atomics.load(control, STOP) === 0) {
    const guard = ops.acquireSync(lock);
    control[COUNTER]++;
    ops.release(lock, guard);
    if ((++operations & 63) === 0 && performance.now() >= end) Atomics.store(control, STOP, 1);
  }
  return operations;
}

export async function contend(ops, lock, control, end = Infinity) {
  let operations = 0;
  while (Atomics.load(control, STOP) === 0) {
    const guard = await ops.acquire(lock);
    control[COUNTER]++;
    ops.release(lock, guard);
    if ((++operations & 63) === 0 && performance.now() >= end) Atomics.store(control, STOP, 1);
  }
  return operations;
}

export const roles = {
  /** Has the lock as well, and leaves it alone. */
  hold(_ops, _locks, control) {
    tell(control, READY, 1);
    Atomics.wait(control, NEVER, 0);
  },

  fightSync(ops, [lock], control) {
    tell(control, READY, 1);
    for (let phase = 1; ; phase++) {
      waitFor(control, GO, phase);
      control[OPERATIONS] = contendSync(ops, lock, control);
      tell(control, DONE, phase);
    }
  },

  async fight(ops, [lock], control) {
    tell(control, READY, 1);
    for (let phase = 1; ; phase++) {
      waitFor(control, GO, phase);
      control[OPERATIONS] = await contend(ops, lock, control);
      tell(control, DONE, phase);
    }
  },

  /**
   * Ping-pong with locks: each side has one of three, waits for one that the other has, and then gives its own. This
   * side gives only once the other waits, `pause` milliseconds after it could.
   */
  trip(ops, locks, control, pause) {
    const stamp = stampOf(control);
    const guards = [undefined, ops.acquireSync(locks[1]), undefined];
    tell(control, READY, 1);
    for (let step = 0; ; step++) {
      const { given, wanted } = stepOf(step);
      guards[given] = ops.acquireSync(locks[given]);
      while (Atomics.load(control, ARMED) <= step);
      if (pause > 0) Atomics.wait(control, NEVER, 0, pause);
      stamp[0] = now();
      ops.release(locks[wanted], guards[wanted]);
    }
  },

  /** The same with nothing but two words. */
  bareTrip(_ops, _locks, control, pause) {
    const stamp = stampOf(control);
    tell(control, READY, 1);
    for (let step = 0; ; step++) {
      Atomics.wait(control, PING, step);
      while (Atomics.load(control, ARMED) <= step);
      if (pause > 0) Atomics.wait(control, NEVER, 0, pause);
      stamp[0] = now();
      tell(control, PONG, step + 1);
    }
  },
};

/** In that step of the ping-pong: which lock the main thread gives, and which it then waits for. @param {number} step */
export function stepOf(step) {
  const given = (3 - (step % 3)) % 3;
  return { given, wanted: (given + 1) % 3 };
}
