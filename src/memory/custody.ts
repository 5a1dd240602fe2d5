/**
 * Handing a SharedArrayBuffer to a thread that is not known yet. Only structured clone carries one, and it must lie
 * somewhere on the way: with a **custodian**, a thread that does nothing else and so answers while all others are
 * blocked (`custodian-entry.ts`). None is started before the first buffer.
 *
 * ```text
 * root       the thread that made the region; nearly always the main thread. All threads of the region end with it.
 * custodian  of the root: started by it at its first buffer, or as soon as it hears that another thread has one
 * regent     a custodian of another thread, if a buffer must be kept while the root is blocked or busy
 * ```
 *
 * A thread ends with its starter on Node and Bun: only the root's custodian outlives every thread that gives it
 * something. But only the root can start it, and may be busy. Hence the regent, and hence the root listens from the
 * moment at which it starts its first thread: all that is said lies in its channel until it comes to its loop, waits
 * in heddle (after 250 ms), or needs a buffer. Then it starts its custodian and passes on what has come. Whatever a
 * thread has given away lies in two places then: with the regent and in the channel.
 *
 * **Asking.** On Node a thread asks over the bus and takes the answer from there. Elsewhere nothing can be taken from
 * the bus without returning to the loop; a thread asks by a port a custodian of its own, which it starts the first time.
 *
 * **What can be missing.** Until the root's custodian listens: a buffer whose thread has ended, and its regent with it,
 * while the root neither returned to its loop nor waited in heddle. Another thread that asks for it then waits
 * `ANSWER_WITHIN`, and gets an error; the root itself finds it on Node, and gets that error on Bun and Deno. The buffer is
 * not lost: after the root's next turn all find it. What is lost for good: all that a custodian has which itself runs out
 * of memory; and all, where the root ends before other threads of its region, which those can only be that got the
 * region by a token.
 *
 * Rejected: everybody keeps everything (a thread that is blocked would keep what all others let go); ports (they cannot
 * be handed to threads that nobody knows); a custodian from the start (a thread that most programs do not need).
 */
import { Atomics } from '#atomics';
import { now } from '../core/clock.ts';
import { SendError } from '../core/errors.ts';
import { Attendant } from '../platform/attendant.ts';
import { blockedSlice, endBlocked, lookWhileBlocked, whileBlocked } from '../platform/blocked.ts';
import { type Listener, listenToBus, postToBus, takesFromBus } from '../platform/bus.ts';
import { ownEntry } from '../platform/own-files.ts';
import { ANSWERS, CUSTODIAN, KEPT, REGENT } from './buffer-slots.ts';
import type { Ask, CustodianMessage, CustodianSettings, Found, Keep } from './custodian-protocol.ts';
import type { Heap } from './heap.ts';

/** In ms: then nobody who has the buffer is alive. A custodian answers within one, unless the machine is overloaded. */
const ANSWER_WITHIN = 10_000;
/** In ms: then a regent is taken for dead that is not known to be. If it is not, there are two, which does no harm. */
const REGENT_WITHIN = 1_000;

/** Where the buffers of a region are found. */
export interface Custody {
  readonly words: Int32Array;
  readonly bus: string;
  /** Whether this thread made the region. */
  readonly isRoot: boolean;
}

/** A custodian that this thread has started. */
let own: Attendant | undefined;
/** The root's channel, until its custodian hears everybody. */
let channel: Listener | undefined;
let looksWhileBlocked = false;

/** The root listens from now on, for as long as it has no custodian. */
export function listenAsRoot(custody: Custody): void {
  if (channel !== undefined || own !== undefined) return;
  channel = listenToBus(custody.bus, (message) => hearAsRoot(custody, message as CustodianMessage));
  if (looksWhileBlocked) return;
  looksWhileBlocked = true;
  whileBlocked(
    () => rootCustodian(custody),
    () => channel !== undefined && Atomics.load(custody.words, KEPT) === 1,
  );
}

function hearAsRoot(custody: Custody, message: CustodianMessage): void {
  if (message.type === 'ready') {
    channel?.close();
    channel = undefined;
  } else rootCustodian(custody).post(message);
}

/** The root's own custodian, which hears everybody, with all that lies in the channel. */
function rootCustodian(custody: Custody): Attendant {
  const started = own ?? startAsRoot(custody);
  while (channel !== undefined) {
    const message = channel.take() as CustodianMessage | undefined;
    if (message === undefined) break;
    // In order: not by `hearAsRoot`, which would take those behind it first.
    if (message.type === 'ready') hearAsRoot(custody, message);
    else started.post(message);
  }
  return started;
}

/**
 * Waits until it listens, in the loop as well: what others say before that lies in the channel, and would stay there if
 * this thread was blocked next.
 */
function startAsRoot(custody: Custody): Attendant {
  const { words } = custody;
  const started = start(custody, { word: CUSTODIAN, value: 1 });
  own = started;
  if (!blockUntil(words, CUSTODIAN, () => Atomics.load(words, CUSTODIAN) === 1, ANSWER_WITHIN)) throw idle();
  return started;
}

function start(custody: Custody, ready: CustodianSettings['ready']): Attendant {
  const entry = ownEntry('memory/custodian-entry.ts', 'heddle-custodian.js');
  const { words, bus } = custody;
  const settings: CustodianSettings = { words, bus, ...(ready && { ready }) };
  const started = new Attendant(entry, 'heddle custodian', settings, () => {
    if (own !== started) return;
    own = undefined;
    if (!custody.isRoot) return;
    Atomics.store(words, CUSTODIAN, 0);
    listenAsRoot(custody);
  });
  return started;
}

/**
 * Keeps the buffer for as long as `id` has uses. When this returns, every thread can have it.
 *
 * **Cost.** For the root a message by port, 4 to 10 µs; for others, who wait for the answer, 0.1 to 0.4 ms. The first of
 * all waits until a custodian has started, 20 to 60 ms (Deno: up to 500); the root also when it hears of the first of
 * another thread.
 *
 * @throws SendError if there is nobody to keep it.
 */
export function keepBuffer(custody: Custody, heap: Heap, id: number, buffer: SharedArrayBuffer): void {
  const { words, bus } = custody;
  if (custody.isRoot) {
    rootCustodian(custody).post({ type: 'keep', id, buffer } satisfies Keep);
    return;
  }
  Atomics.store(words, KEPT, 1);
  for (;;) {
    const regent = Atomics.load(words, CUSTODIAN) === 1 ? 0 : regentFor(custody, heap);
    const done = new Int32Array(new SharedArrayBuffer(4));
    postToBus(bus, { type: 'keep', id, buffer, done } satisfies Keep);
    const certain = regent === 0 || regent === -heap.token;
    const raised = () => Atomics.load(done, 0) > 0;
    if (blockUntil(done, 0, raised, certain ? ANSWER_WITHIN : REGENT_WITHIN)) return;
    if (certain) throw nobody('Cannot share a SharedArrayBuffer: no thread keeps it', id);
    // It is dead, or as good as that.
    Atomics.compareExchange(words, REGENT, regent, 0);
  }
}

/** Sees that there is a regent, and gives the negative token of its thread. */
function regentFor(custody: Custody, heap: Heap): number {
  const { words } = custody;
  for (;;) {
    const regent = Atomics.load(words, REGENT);
    if (regent < 0 && !heap.isDead(-regent)) return regent;
    if (regent > 0 && !heap.isDead(regent)) {
      const changed = () => Atomics.load(words, REGENT) !== regent;
      if (blockUntil(words, REGENT, changed, REGENT_WITHIN)) continue;
    }
    if (Atomics.compareExchange(words, REGENT, regent, heap.token) === regent) becomeRegent(custody, heap);
  }
}

function becomeRegent(custody: Custody, { token }: Heap): void {
  const { words } = custody;
  if (own === undefined) {
    own = start(custody, { word: REGENT, value: -token });
    const ready = () => Atomics.load(words, REGENT) === -token;
    if (!blockUntil(words, REGENT, ready, ANSWER_WITHIN)) throw idle();
    return;
  }
  // The one that this thread has for its questions keeps what it hears, as they all do.
  Atomics.store(words, REGENT, -token);
  Atomics.notify(words, REGENT);
}

/**
 * The buffer with that id, which has uses. Blocks.
 *
 * **Cost.** 0.2 to 0.5 ms; on Bun and Deno in each thread the first time the start of one more thread.
 *
 * @throws SendError if nobody has it: see above.
 */
export function askForBuffer(custody: Custody, id: number): SharedArrayBuffer {
  const { words, bus } = custody;
  const done = new Int32Array(new SharedArrayBuffer(4));
  if (custody.isRoot) rootCustodian(custody);
  else if (!takesFromBus) own ??= start(custody, undefined);
  if (own !== undefined) {
    const attendant = own;
    attendant.post({ type: 'ask', id, done } satisfies Ask);
    return answerTo(id, done, () => attendant.take());
  }
  const answer = `${bus}.${Atomics.add(words, ANSWERS, 1)}`;
  const answers = listenToBus(answer);
  try {
    postToBus(bus, { type: 'ask', id, done, answer } satisfies Ask);
    return answerTo(id, done, () => answers.take());
  } finally {
    answers.close();
  }
}

function answerTo(id: number, done: Int32Array, take: () => unknown): SharedArrayBuffer {
  let buffer: SharedArrayBuffer | undefined;
  const came = () => {
    // Answers to questions that were given up come as well.
    for (let found = take() as Found | undefined; found !== undefined; found = take() as Found | undefined)
      if (found.id === id) buffer = found.buffer;
    return buffer !== undefined;
  };
  blockUntil(done, 0, came, ANSWER_WITHIN);
  if (buffer !== undefined) return buffer;
  throw nobody('Cannot receive a SharedArrayBuffer: no thread that has it answers', id);
}

function idle(): SendError {
  return new SendError(
    `Cannot share a SharedArrayBuffer: the thread that is to keep it did not start within ${ANSWER_WITHIN / 1000} s`,
    'item',
  );
}

function nobody(what: string, id: number): SendError {
  return new SendError(
    `${what} (${id}); let the main thread return to its event loop, or share the first buffer there`,
    'item',
  );
}

/** Sleeps on the word until `done`, which must change it; false if that took longer than `timeout` ms. */
function blockUntil(words: Int32Array, index: number, done: () => boolean, timeout: number): boolean {
  const until = now() + timeout;
  try {
    for (;;) {
      const seen = Atomics.load(words, index);
      if (done()) return true;
      const left = until - now();
      if (left <= 0) return false;
      Atomics.wait(words, index, seen, blockedSlice(left));
      lookWhileBlocked();
    }
  } finally {
    endBlocked();
  }
}

/**
 * Ends the custodian that this thread has started, if there is one; what it alone has is lost. For tests, which leave no
 * thread behind.
 */
export async function endCustodian(): Promise<void> {
  await own?.terminate();
}
