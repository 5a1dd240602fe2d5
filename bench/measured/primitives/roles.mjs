/**
 * What the other threads do in the measurements of primitives: each is one of these functions, told by its name. `ops`
 * are the operations of a peer, as in `peers/`. They never end; the process does.
 */
import {
  ARMED,
  ARRIVED,
  COUNT,
  DONE,
  figuresOf,
  GO,
  giveTrips,
  NEVER,
  now,
  pause,
  READY,
  TURN,
  tell,
  waitFor,
} from '../words.mjs';

/** How long the side that waits is left alone before it is woken, in microseconds: it is asleep by then. */
export const PAUSE = 60;

/** Has them too, and leaves them alone. */
function hold(_ops, _things, control) {
  arrive(control);
  Atomics.wait(control, NEVER, 0);
}

/** Its part of the ping-pong under a condition: whoever's turn it is gives it to the other. */
function turnsSync(ops, [pair], control) {
  arrive(control);
  for (;;) takeTurnSync(ops, pair, control, 1);
}

function pingTurns(ops, [pair], control) {
  arrive(control);
  waitFor(control, GO, 1);
  giveTrips(control, () => takeTurnSync(ops, pair, control, 0));
}

function takeTurnSync(ops, pair, control, own) {
  const guard = ops.enterSync(pair);
  while (control[TURN] !== own) ops.waitForTurnSync(pair, guard);
  control[TURN] = 1 - own;
  ops.passTurn(pair, guard);
  ops.leave(pair, guard);
}

/** Through the barrier, as often as it is told. */
function passSync(ops, [barrier], control) {
  arrive(control);
  for (let phase = 1; ; phase++) {
    waitFor(control, GO, phase);
    for (let count = control[COUNT]; count > 0; count--) ops.passSync(barrier);
  }
}

async function pass(ops, [barrier], control) {
  arrive(control);
  for (let phase = 1; ; phase++) {
    waitFor(control, GO, phase);
    for (let count = control[COUNT]; count > 0; count--) await ops.pass(barrier);
  }
}

/** Waits, blocked, again and again, and says when it was woken. */
function wokenSync(ops, [event], control) {
  const figures = figuresOf(control);
  arrive(control);
  for (let step = 1; ; step++) {
    waitFor(control, GO, step);
    Atomics.store(control, ARMED, step);
    ops.waitSync(event);
    figures[1] = now();
    tell(control, DONE, step);
  }
}

/** Sets once the other side waits. */
function setLater(ops, [event], control) {
  const figures = figuresOf(control);
  arrive(control);
  for (let step = 1; ; step++) {
    waitFor(control, GO, step);
    pause(PAUSE);
    figures[0] = now();
    ops.set(event);
  }
}

/** So many tasks wait for each of the events, one event after the other. */
async function crowd(ops, events, control) {
  const figures = figuresOf(control);
  arrive(control);
  for (const [round, event] of events.entries()) {
    const count = control[COUNT];
    await new Promise((resolve) => {
      let through = 0;
      const goOn = () => {
        if (++through === count) resolve();
      };
      for (let task = 0; task < count; task++) void waitAndGoOn(ops, event, goOn);
      setTimeout(() => {
        Atomics.add(control, READY, 1);
        Atomics.notify(control, READY);
      }, 2);
    });
    const time = now();
    // The last of the threads tells.
    if (Atomics.add(control, ARMED, 1) % 2 === 1) {
      figures[1] = time;
      tell(control, DONE, round + 1);
    }
  }
}

export async function waitAndGoOn(ops, event, goOn) {
  await ops.wait(event);
  goOn();
}

export const roles = { hold, turnsSync, pingTurns, passSync, pass, wokenSync, setLater, crowd };

function arrive(control) {
  Atomics.add(control, ARRIVED, 1);
}
