/**
 * What the other threads do in the measurements of queues: each is one of these functions, told by its name. `ops` are
 * the operations of a peer, as in `peers/`. They never end; the process does.
 */
import {
  ARMED,
  ARRIVED,
  COUNT,
  DONE,
  expect,
  figuresOf,
  GO,
  giveTrips,
  KIND,
  NEVER,
  now,
  PING,
  PONG,
  QUEUE,
  READY,
  tell,
  waitFor,
} from '../words.mjs';

const names = Array.from({ length: 100 }, (_, index) => `name ${index}`);
const tags = ['new', 'seen', 'late'];

/** The items, by `KIND`: the one with that index, and whether it is that one. */
export const kinds = {
  numbers: { code: 0, make: (index) => index, is: (item, index) => item === index },
  objects: {
    code: 1,
    make: (index) => ({
      id: index,
      name: names[index % 100],
      ok: (index & 1) === 0,
      x: index / 2,
      tag: tags[index % 3],
    }),
    is: (item, index) => item.id === index,
  },
};

export function kindOf(control) {
  return control[KIND] === kinds.numbers.code ? kinds.numbers : kinds.objects;
}

/** Puts what it is told to, phase by phase. */
function produceSync(ops, queues, control) {
  arrive(control);
  for (let phase = 1; ; phase++) {
    waitFor(control, GO, phase);
    const { make } = kindOf(control);
    const queue = queues[control[QUEUE]];
    const count = control[COUNT];
    for (let index = 0; index < count; index++) ops.putSync(queue, make(index));
  }
}

function consumeSync(ops, queues, control) {
  arrive(control);
  for (let phase = 1; ; phase++) {
    waitFor(control, GO, phase);
    const { is } = kindOf(control);
    const queue = queues[control[QUEUE]];
    const count = control[COUNT];
    for (let index = 0; index < count; index++) checkItem(is, ops.getSync(queue), index);
    tell(control, DONE, phase);
  }
}

async function consume(ops, queues, control) {
  arrive(control);
  for (let phase = 1; ; phase++) {
    waitFor(control, GO, phase);
    const { is } = kindOf(control);
    const queue = queues[control[QUEUE]];
    const count = control[COUNT];
    for (let index = 0; index < count; index++) checkItem(is, await ops.get(queue), index);
    tell(control, DONE, phase);
  }
}

/** By messages, as many items in each as the peer says. */
function post(ops, [port], control) {
  arrive(control);
  for (let phase = 1; ; phase++) {
    waitFor(control, GO, phase);
    postItems(port, ops.batch, kindOf(control).make, control[COUNT]);
  }
}

function receive(ops, [port], control) {
  let phase = 1;
  let index = 0;
  port.on('message', (message) => {
    const { is } = kindOf(control);
    if (ops.batch === 1) checkItem(is, message, index++);
    else for (const item of message) checkItem(is, item, index++);
    if (index < control[COUNT]) return;
    index = 0;
    tell(control, DONE, phase++);
  });
  arrive(control);
}

/** @param {import('node:worker_threads').MessagePort} port */
export function postItems(port, batch, make, count) {
  if (batch === 1) {
    for (let index = 0; index < count; index++) port.postMessage(make(index));
    return;
  }
  for (let index = 0; index < count; ) {
    const items = [];
    while (items.length < batch && index < count) items.push(make(index++));
    port.postMessage(items);
  }
}

/** One side of a ping-pong with two queues. */
function echo(ops, [there, back], control) {
  arrive(control);
  for (;;) ops.putSync(back, ops.getSync(there));
}

/** The same, and it answers only once the other side waits. */
function echoAsleep(ops, [there, back], control) {
  arrive(control);
  for (let step = 1; ; step++) {
    const item = ops.getSync(there);
    while (Atomics.load(control, ARMED) < step);
    ops.putSync(back, item);
  }
}

/** The other, where that is a blocked thread too. */
function ping(ops, [there, back], control) {
  arrive(control);
  waitFor(control, GO, 1);
  let step = 0;
  giveTrips(control, () => {
    ops.putSync(there, ++step);
    expect(ops.getSync(back), step);
  });
}

/** The same with nothing but two words. */
function bareEcho(_ops, _queues, control) {
  arrive(control);
  for (let step = 0; ; step++) {
    // A notification of the round before may come late.
    while (Atomics.load(control, PING) === step) Atomics.wait(control, PING, step);
    tell(control, PONG, step + 1);
  }
}

function bareEchoAsleep(_ops, _queues, control) {
  arrive(control);
  for (let step = 0; ; step++) {
    while (Atomics.load(control, PING) === step) Atomics.wait(control, PING, step);
    while (Atomics.load(control, ARMED) <= step);
    tell(control, PONG, step + 1);
  }
}

function barePing(_ops, _queues, control) {
  arrive(control);
  waitFor(control, GO, 1);
  let step = 0;
  giveTrips(control, () => {
    tell(control, PING, step + 1);
    while (Atomics.load(control, PONG) === step) Atomics.wait(control, PONG, step);
    step++;
  });
}

/** Both ends of the long stream: at a tenth, at half and at the end each says how much its heap holds. */
function produceMillions(ops, [queue], control) {
  const heaps = figuresOf(control);
  arrive(control);
  waitFor(control, GO, 1);
  const count = control[COUNT];
  let from = 0;
  for (const [stage, part] of [0.1, 0.5, 1].entries()) {
    const until = Math.floor(count * part);
    for (let index = from; index < until; index++) ops.putSync(queue, index);
    from = until;
    // The other side has taken all of it, and goes on afterwards.
    waitFor(control, DONE, stage + 1);
    heaps[3 + stage] = heapUsed();
    tell(control, GO, stage + 2);
  }
}

function consumeMillions(ops, [queue], control) {
  const figures = figuresOf(control);
  arrive(control);
  waitFor(control, GO, 1);
  const count = control[COUNT];
  let from = 0;
  let busy = 0;
  for (const [stage, part] of [0.1, 0.5, 1].entries()) {
    const until = Math.floor(count * part);
    const started = now();
    for (let index = from; index < until; index++) expect(ops.getSync(queue), index);
    busy += now() - started;
    from = until;
    figures[stage] = heapUsed();
    tell(control, DONE, stage + 1);
    waitFor(control, GO, stage + 2);
    figures[6 + stage] = process.memoryUsage.rss() / 2 ** 20;
  }
  figures[9] = (count / busy) * 1000;
  tell(control, READY, -1);
}

/** Gets nothing, for ever. */
function starve(ops, [queue], control) {
  arrive(control);
  ops.getSync(queue);
}

function bareStarve(_ops, _queues, control) {
  arrive(control);
  Atomics.wait(control, NEVER, 0);
}

export const roles = {
  produceSync,
  consumeSync,
  consume,
  post,
  receive,
  echo,
  ping,
  bareEcho,
  bareEchoAsleep,
  echoAsleep,
  barePing,
  produceMillions,
  consumeMillions,
  starve,
  bareStarve,
};

export function checkItem(is, item, index) {
  if (!is(item, index)) throw new Error(`Cannot trust this peer: item ${index} is ${JSON.stringify(item)}`);
}

function arrive(control) {
  Atomics.add(control, ARRIVED, 1);
}

/** In MB, after a collection. */
function heapUsed() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
