/**
 * What is measured of codecs. Every function takes a peer and returns named figures, in nanoseconds each: means over the window,
 * with the collections that the values cause, by the time of processors.
 *
 * @typedef {object} Codec one of `peers/`
 * @property {(value: unknown) => unknown} [encode]
 * @property {(encoded: unknown) => unknown} [decode] what `encode` gave; or one of those that `keep` gave
 * @property {(values: unknown[]) => unknown[]} [keep] encodes all of them, where `encode` writes over what it wrote before
 * @property {(value: unknown) => unknown} trip both
 */
import { deepStrictEqual } from 'node:assert/strict';
import { cases, kinds } from './cases.mjs';

export const measurements = { speed, fidelity };

function speed(peer, { values: names, window }) {
  return Object.assign({}, ...names.map((name) => speedOf(peer, name, window)));
}

function speedOf(peer, name, window) {
  const values = cases[name]();
  for (const value of values) deepStrictEqual(peer.trip(value), value);
  const figures = { [`${name} both`]: mean(peer.trip, values, window) };
  if (peer.encode === undefined) return figures;
  figures[`${name} encode`] = mean(peer.encode, values, window);
  figures[`${name} decode`] = mean(peer.decode, peer.keep?.(values) ?? values.map(peer.encode), window);
  return figures;
}

let sink;

/** Milliseconds that processors worked for this process, in all of its threads: whatever else the machine does. */
function spentSoFar() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** To warm up, in windows: until the machine code is there, whose making counts as well. */
const WARM = 4;

/** Of one call, over the window. */
function mean(act, values, window) {
  let batch = 1;
  const run = () => {
    const started = spentSoFar();
    let next = 0;
    for (let left = batch; left > 0; left--) {
      sink = act(values[next]);
      if (++next === values.length) next = 0;
    }
    return spentSoFar() - started;
  };
  for (let spent = 0; spent < WARM * window; ) {
    const elapsed = run();
    spent += elapsed;
    if (elapsed < 1) batch *= 2;
  }
  globalThis.gc?.();
  let calls = 0;
  let spent = 0;
  do {
    spent += run();
    calls += batch;
  } while (spent < window);
  if (sink === measurements) throw new Error('Cannot happen: it is there so that no result is unused');
  return (spent / calls) * 1e6;
}

/** How many kinds of values come out as structured clone gives them, in percent. */
function fidelity(peer) {
  const faithful = Object.entries(kinds).filter(([, make]) => {
    const values = make();
    try {
      return values.every((value) => isSame(peer.trip(value), structuredClone(value)));
    } catch {
      return false;
    }
  });
  if (process.env.SHOW_KINDS) {
    const names = faithful.map(([name]) => name);
    console.error(
      Object.keys(kinds)
        .filter((name) => !names.includes(name))
        .join(', '),
    );
  }
  return { kinds: (100 * faithful.length) / Object.keys(kinds).length };
}

function isSame(one, other) {
  // Node 20 takes no date that is none for another.
  if (one instanceof Date && other instanceof Date) return Object.is(one.getTime(), other.getTime());
  try {
    deepStrictEqual(one, other);
    return keepsIdentity(one, other) && JSON.stringify(keysOf(one)) === JSON.stringify(keysOf(other));
  } catch {
    return false;
  }
}

const keysOf = (value) => (typeof value === 'object' && value !== null ? Object.keys(value) : []);

/** Whether what is one object, or one buffer, in the one value is so in the other. */
function keepsIdentity(one, other) {
  const partners = new Map();
  const visit = (a, b) => {
    if (typeof a !== 'object' || a === null) return true;
    if (partners.has(a)) return partners.get(a) === b;
    if ([...partners.values()].includes(b)) return false;
    partners.set(a, b);
    if (ArrayBuffer.isView(a)) return visit(a.buffer, b.buffer);
    return Object.keys(a).every((key) => visit(a[key], b[key]));
  };
  return visit(one, other);
}
