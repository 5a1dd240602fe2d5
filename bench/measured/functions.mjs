/**
 * The plain functions that every peer runs. Each stands alone (nothing from its surroundings), because one of the
 * peers sends the source of a function to its threads.
 */

/** @param {number} a @param {number} b */
function add(a, b) {
  return a + b;
}

/** @param {unknown} value */
function echo(value) {
  return value;
}

/** @param {string | ArrayBuffer} value */
function len(value) {
  return value.byteLength ?? value.length;
}

/** The CPU-bound one. @param {number} size */
function sumsq(size) {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += i * i;
  return sum;
}

/** Keeps a thread busy, so that a pool has to start all it has. @param {number} milliseconds */
function block(milliseconds) {
  const end = Date.now() + milliseconds;
  while (Date.now() < end);
  return milliseconds;
}

/**
 * A CPU-bound one, counted in the first word where anybody sees it. Once the second word is not 0, it does nothing.
 * @param {SharedArrayBuffer} memory @param {number} size
 */
function tally(memory, size) {
  const words = new Int32Array(memory);
  let sum = 0;
  if (Atomics.load(words, 1) !== 0) return sum;
  for (let i = 0; i < size; i++) sum += i * i;
  Atomics.add(words, 0, 1);
  return sum;
}

/** Keeps a thread until the first word of the memory is not 0: whether that came. @param {SharedArrayBuffer} memory */
function hold(memory) {
  return Atomics.wait(new Int32Array(memory), 0, 0, 100_000) !== 'timed-out';
}

/** Waits on the loop, for nothing, until `wake`. */
function idle() {
  globalThis.idling ??= [];
  return new Promise((resolve) => {
    globalThis.idling.push(resolve);
  });
}

/** How many do. */
function countIdle() {
  return globalThis.idling?.length ?? 0;
}

/** Ends the wait of all of them. */
function wake() {
  const idling = globalThis.idling;
  globalThis.idling = [];
  for (const [index, resolve] of idling.entries()) resolve(index);
  return idling.length;
}

/** What is left in the heap of this thread after a collection, in bytes. */
function heapUsed() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

export const functions = { add, echo, len, sumsq, block, tally, hold, idle, countIdle, wake, heapUsed };
