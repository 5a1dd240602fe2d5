/**
 * A custodian: a thread that keeps SharedArrayBuffers by their ids and hands them out while everybody else is blocked.
 * `custody.ts` says who starts one, and why. It makes no difference between its starter and others: it keeps all that
 * it hears of, and answers whoever asks.
 *
 * An id that it does not know may be one that comes later, or that another custodian has: it asks the others if its
 * starter asked, and answers when it has the buffer.
 */
import { Atomics } from '#atomics';
import { ownAttendance } from '../platform/attendant.ts';
import { listenToBus, postToBus } from '../platform/bus.ts';
import { listenAt } from '../platform/doorbell.ts';
import { ANSWERS, CUSTODIAN, FREED, isBufferUsed } from './buffer-slots.ts';
import type { Ask, CustodianMessage, CustodianSettings, Found } from './custodian-protocol.ts';

const { port, settings } = ownAttendance<CustodianSettings>();
const { words, bus, ready } = settings;

const kept = new Map<number, SharedArrayBuffer>();
/** Asked for and not here, by id. */
const missed = new Map<number, Ask[]>();
let answers: string | undefined;

function hear(message: CustodianMessage): void {
  if (message.type === 'keep') {
    keep(message.id, message.buffer);
    if (message.done !== undefined) raise(message.done);
  } else if (message.type === 'found') {
    keep(message.id, message.buffer);
  } else if (message.type === 'ask') {
    const buffer = kept.get(message.id);
    if (buffer !== undefined) answer(message, buffer);
    else miss(message);
  } else {
    // The custodian of the root stays, others go with their starters: it must have all that they have.
    for (const [id, buffer] of kept) postToBus(bus, { type: 'keep', id, buffer });
    // And it may have what others did not have.
    for (const ask of [...missed.values()].flat()) if (ask.answer === undefined) askOthers(ask);
  }
}

function keep(id: number, buffer: SharedArrayBuffer): void {
  // It may come twice, and late.
  if (!isBufferUsed(words, id)) return;
  kept.set(id, buffer);
  const asks = missed.get(id) ?? [];
  missed.delete(id);
  for (const ask of asks) answer(ask, buffer);
}

function answer(ask: Ask, buffer: SharedArrayBuffer): void {
  const found: Found = { type: 'found', id: ask.id, buffer };
  if (ask.answer === undefined) port.postMessage(found);
  else postToBus(ask.answer, found);
  raise(ask.done);
}

function miss(ask: Ask): void {
  const asks = missed.get(ask.id);
  if (asks === undefined) missed.set(ask.id, [ask]);
  else asks.push(ask);
  if (ask.answer === undefined) askOthers(ask);
}

function askOthers({ id }: Ask): void {
  const done = new Int32Array(new SharedArrayBuffer(4));
  postToBus(bus, { type: 'ask', id, answer: answerName(), done } satisfies Ask);
}

/** The name under which others answer this custodian. */
function answerName(): string {
  if (answers === undefined) {
    answers = `${bus}.${Atomics.add(words, ANSWERS, 1)}`;
    listenToBus(answers, (message) => hear(message as CustodianMessage));
  }
  return answers;
}

function raise(done: Int32Array): void {
  Atomics.add(done, 0, 1);
  Atomics.notify(done, 0);
}

/** Lets go what has no uses any more, now and after each buffer that is gone. */
function sweep(): void {
  const freed = Atomics.load(words, FREED);
  for (const id of kept.keys()) if (!isBufferUsed(words, id)) kept.delete(id);
  for (const id of missed.keys()) if (!isBufferUsed(words, id)) missed.delete(id);
  listenAt(words, FREED, freed, sweep);
}

listenToBus(bus, (message) => hear(message as CustodianMessage), { hold: true });
port.on('message', hear);
sweep();
if (ready !== undefined) {
  Atomics.store(words, ready.word, ready.value);
  Atomics.notify(words, ready.word);
  // The root listens no longer after this, which comes after all that this thread has not heard. It hears it as well,
  // and tells itself what it has: that changes nothing.
  if (ready.word === CUSTODIAN) postToBus(bus, { type: 'ready' });
}
