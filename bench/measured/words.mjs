/** Words that the threads of a measurement share, a cache line apart, and what is done with them. */

export const READY = 0;
export const GO = 16;
export const DONE = 32;
export const ARMED = 48;
export const PING = 64;
export const PONG = 80;
export const COUNT = 96;
export const KIND = 97;
export const QUEUE = 98;
export const ARRIVED = 112;
export const NEVER = 128;
export const TURN = 144;
/** From here on 16 numbers, by `figuresOf`. */
const FIGURES = 256;

/** @returns {Int32Array} */
export function newControl() {
  return new Int32Array(new SharedArrayBuffer(2048));
}

/** Numbers that a thread gives back. @param {Int32Array} control */
export function figuresOf(control) {
  return new Float64Array(control.buffer, FIGURES * 4, 16);
}

/** Milliseconds, by a clock that all threads have in common. */
export function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Blocks until a word is `value`. @param {Int32Array} control @param {number} word @param {number} value */
export function waitFor(control, word, value) {
  for (;;) {
    const seen = Atomics.load(control, word);
    if (seen === value) return;
    if (Atomics.wait(control, word, seen, 60_000) === 'timed-out')
      throw new Error(`Cannot go on: nothing has come from the other thread for a minute (word ${word})`);
  }
}

/** @param {Int32Array} control @param {number} word @param {number} value */
export function tell(control, word, value) {
  Atomics.store(control, word, value);
  Atomics.notify(control, word);
}

/** Busy for some microseconds, so that the other side is asleep in truth. @param {number} microseconds */
export function pause(microseconds) {
  const end = now() + microseconds / 1000;
  while (now() < end);
}

/** The value below which that part of the values lies. @param {number[]} values @param {number} part */
export function at(values, part) {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * part))];
}

/** Times of round trips, in microseconds, after a warm-up of half as long. @param {() => void} trip */
export function tripsSync(trip, milliseconds) {
  let times = [];
  for (const length of [milliseconds / 2, milliseconds]) {
    times = [];
    const end = performance.now() + length;
    for (let before = performance.now(); before < end; ) {
      trip();
      const after = performance.now();
      times.push((after - before) * 1000);
      before = after;
    }
  }
  return { p50: at(times, 0.5), p99: at(times, 0.99) };
}

/** The same with `await`. @param {() => Promise<void>} trip */
export async function trips(trip, milliseconds) {
  let times = [];
  for (const length of [milliseconds / 2, milliseconds]) {
    times = [];
    const end = performance.now() + length;
    for (let before = performance.now(); before < end; ) {
      await trip();
      const after = performance.now();
      times.push((after - before) * 1000);
      before = after;
    }
  }
  return { p50: at(times, 0.5), p99: at(times, 0.99) };
}

/** In a thread: measures such round trips for `COUNT` milliseconds and gives the figures. */
export function giveTrips(control, trip) {
  const { p50, p99 } = tripsSync(trip, control[COUNT]);
  figuresOf(control).set([p50, p99]);
  tell(control, DONE, 1);
}

/** @param {unknown} actual @param {unknown} expected */
export function expect(actual, expected) {
  if (actual !== expected)
    throw new Error(`Cannot trust this peer: received ${actual}, expected ${expected}`);
}
