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

export const functions = { add, echo, len, sumsq, block };
