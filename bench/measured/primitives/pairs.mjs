/**
 * The loops of `pairs` in `measurements.mjs`. A module of its own, because it is loaded anew for each kind of thing, so
 * that a loop is compiled for that kind alone, as where it is used.
 */
import { at } from '../words.mjs';

/** So long it runs before it counts, in milliseconds: until it is compiled, also on a loaded machine. */
const WARM = 100;

/** Acquire and release, in nanoseconds. */
export function pairSync({ acquireSync, release }, thing, window) {
  const rounds = 3000;
  const times = [];
  const warm = performance.now() + WARM;
  const end = warm + window;
  for (let before = performance.now(); before < end || times.length < 5; ) {
    for (let round = 0; round < rounds; round++) release(acquireSync(thing), thing);
    const after = performance.now();
    if (before > warm) times.push(after - before);
    before = after;
  }
  return (at(times, 0.5) / rounds) * 1e6;
}

/** The same with `await`. */
export async function pair({ acquire, release }, thing, window) {
  const rounds = 2000;
  const times = [];
  const warm = performance.now() + WARM;
  const end = warm + window;
  for (let before = performance.now(); before < end || times.length < 5; ) {
    for (let round = 0; round < rounds; round++) release(await acquire(thing), thing);
    const after = performance.now();
    if (before > warm) times.push(after - before);
    before = after;
  }
  return (at(times, 0.5) / rounds) * 1e6;
}
