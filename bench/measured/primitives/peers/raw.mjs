/**
 * The reference: the same by hand on bare words, without owners, fairness, time-outs, cancellation. A counting word
 * for a semaphore; for readers and a writer a word with their number, or -1; a generation for a barrier; a word and
 * `Atomics.notify` for an event. Where 100,000 tasks wait for one event: one promise that all of them await.
 */
import { startThread } from '../../start-thread.mjs';

const newWords = (...values) => {
  const words = new Int32Array(new SharedArrayBuffer(64));
  words.set(values);
  return words;
};

/** Takes one of a word, unless it is 0. */
function takeSync(words) {
  for (;;) {
    const seen = Atomics.load(words, 0);
    if (seen === 0) Atomics.wait(words, 0, 0);
    else if (Atomics.compareExchange(words, 0, seen, seen - 1) === seen) return;
  }
}

async function take(words) {
  for (;;) {
    const seen = Atomics.load(words, 0);
    if (seen === 0) await Atomics.waitAsync(words, 0, 0).value;
    else if (Atomics.compareExchange(words, 0, seen, seen - 1) === seen) return;
  }
}

function give(_guard, words) {
  if (Atomics.add(words, 0, 1) === 0) Atomics.notify(words, 0, 1);
}

function readSync(words) {
  for (;;) {
    const seen = Atomics.load(words, 0);
    if (seen < 0) Atomics.wait(words, 0, seen);
    else if (Atomics.compareExchange(words, 0, seen, seen + 1) === seen) return;
  }
}

async function read(words) {
  for (;;) {
    const seen = Atomics.load(words, 0);
    if (seen < 0) await Atomics.waitAsync(words, 0, seen).value;
    else if (Atomics.compareExchange(words, 0, seen, seen + 1) === seen) return;
  }
}

function writeSync(words) {
  for (;;) {
    const seen = Atomics.compareExchange(words, 0, 0, -1);
    if (seen === 0) return;
    Atomics.wait(words, 0, seen);
  }
}

async function write(words) {
  for (;;) {
    const seen = Atomics.compareExchange(words, 0, 0, -1);
    if (seen === 0) return;
    await Atomics.waitAsync(words, 0, seen).value;
  }
}

const endRead = (_guard, words) => {
  if (Atomics.sub(words, 0, 1) === 1) Atomics.notify(words, 0);
};
const endWrite = (_guard, words) => {
  Atomics.store(words, 0, 0);
  Atomics.notify(words, 0);
};

export const kinds = {
  semaphore: { create: () => newWords(4), acquireSync: takeSync, acquire: take, release: give },
  read: { create: () => newWords(0), acquireSync: readSync, acquire: read, release: endRead },
  write: { create: () => newWords(0), acquireSync: writeSync, acquire: write, release: endWrite },
  latch: {
    create: () => newWords(2 ** 30 - 1),
    acquireSync: (words) => {
      if (Atomics.sub(words, 0, 1) === 1) Atomics.notify(words, 0);
    },
    release: () => {},
  },
};

export const restore = (words) => words;
export const start = (role, things, control) => startThread('primitives', 'raw', role, things, control);

export const createEvent = () => newWords(0);
export const set = (words) => {
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
};
export const clear = (words) => Atomics.store(words, 0, 0);
export const waitSync = (words) => {
  while (Atomics.load(words, 0) === 0) Atomics.wait(words, 0, 0);
};
/** One wait for each loop and event, and one promise for all who wait there. */
const promises = new Map();
export const wait = (words) => {
  const known = promises.get(words);
  if (known !== undefined) return known;
  const promise = (async () => {
    while (Atomics.load(words, 0) === 0) await Atomics.waitAsync(words, 0, 0).value;
    promises.delete(words);
  })();
  if (Atomics.load(words, 0) === 0) promises.set(words, promise);
  return promise;
};

/** A mutex of three states, and a word that counts the notifications. */
export const createPair = () => newWords(0, 0);
export const enterSync = (words) => {
  if (Atomics.compareExchange(words, 0, 0, 1) === 0) return;
  while (Atomics.exchange(words, 0, 2) !== 0) Atomics.wait(words, 0, 2);
};
export const leave = (words) => {
  if (Atomics.exchange(words, 0, 0) === 2) Atomics.notify(words, 0, 1);
};
export const waitForTurnSync = (words) => {
  const seen = Atomics.load(words, 1);
  leave(words);
  Atomics.wait(words, 1, seen);
  enterSync(words);
};
export const passTurn = (words) => {
  Atomics.add(words, 1, 1);
  Atomics.notify(words, 1, 1);
};

/** Parties, how many are there, and the generation. */
export const createBarrier = (parties) => newWords(parties, 0, 0);
export const passSync = (words) => {
  const generation = Atomics.load(words, 2);
  if (arrive(words)) return;
  while (Atomics.load(words, 2) === generation) Atomics.wait(words, 2, generation);
};
export const pass = async (words) => {
  const generation = Atomics.load(words, 2);
  if (arrive(words)) return;
  while (Atomics.load(words, 2) === generation) await Atomics.waitAsync(words, 2, generation).value;
};
function arrive(words) {
  if (Atomics.add(words, 1, 1) + 1 < words[0]) return false;
  Atomics.store(words, 1, 0);
  Atomics.add(words, 2, 1);
  Atomics.notify(words, 2);
  return true;
}
