/** Debug mode of a loop: what keeps it from its other tasks is reported. */
import { checkOptions, checkTimeout } from '../core/arguments.ts';
import { watchBlocking } from '../platform/blocked.ts';
import { report } from '../platform/report.ts';
import { userFrames, watchCallbacks } from '../platform/slow-callbacks.ts';
import { currentThread } from '../platform/thread-identity.ts';
import { watchCalls } from './call.ts';
import { currentScope, pathOf } from './scope.ts';

/** For `run({ debug })` and loops in threads. */
export type DebugOptions = boolean | { readonly slowCallback?: number | undefined };

const SLOW_MS = 100;

/** After how many milliseconds a callback is slow; `undefined` if nobody looks. @throws TypeError, RangeError */
export function checkDebug(debug: DebugOptions | undefined): number | undefined {
  if (debug === undefined || debug === false) return undefined;
  if (debug === true) return SLOW_MS;
  return checkTimeout(checkOptions(debug).slowCallback ?? SLOW_MS, 'debug.slowCallback');
}

/** Reports what stalls this loop, until the function that this gives is called. */
export function startDebug(slowMs: number): () => void {
  // What has been reported as something else, and is no slow callback beside.
  let told = 0;
  const stops = [
    watchBlocking((ms) => {
      told += ms;
      if (ms <= SLOW_MS) return;
      const place = userFrames(new Error('here').stack);
      stalled(`was blocked for ${Math.round(ms)} ms by a Sync wait${whose()}`, 'await it instead', place);
    }),
    watchCalls({
      begin: () => performance.now() - told,
      end: (begun) => {
        const ms = performance.now() - told - begun;
        if (ms <= slowMs) return;
        told += ms;
        busy(ms, userFrames(new Error('here').stack));
      },
    }),
    watchCallbacks(
      slowMs,
      () => told,
      ({ ms, place }) => busy(ms, place),
    ),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function busy(ms: number, place: string): void {
  stalled(`was kept busy for ${Math.round(ms)} ms by a callback${whose()}`, 'move that to a thread', place);
}

function whose(): string {
  const path = pathOf(currentScope());
  return path === '' ? '' : ` of task "${path}"`;
}

function stalled(what: string, advice: string, place: string): void {
  const where = /^ {4}at (?:async )?(.*)$/m.exec(place)?.[1];
  const message = `Loop of thread "${currentThread().name}" ${what}${where === undefined ? '' : `, at ${where}`}; nothing else could run there: ${advice}`;
  report('HEDDLE_STALLED_LOOP', message, place === '' ? undefined : new Stall(place));
}

/** Shows where it was in the details of a report. */
class Stall extends Error {
  override readonly name = 'Stall';

  constructor(place: string) {
    super('the loop was kept from its other tasks');
    this.stack = `${this.name}: ${this.message}\n${place}`;
  }
}
