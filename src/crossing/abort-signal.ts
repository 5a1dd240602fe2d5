/**
 * Signals in other threads: one that is aborted here is aborted there. A thread has one signal for each of ours, however often
 * that is sent; and one that comes back is the very signal that was sent.
 */
import { markCarried, provideCarrier } from '../codec/carriers.ts';
import type { Future } from '../executor/future.ts';
import { report } from '../platform/report.ts';
import { onAbort } from '../scope/abort.ts';
import { carried } from '../thread/outcomes.ts';
import { Announcement, addressOfFuture, anotherOfFuture } from './announcement.ts';
import { OwnObjects } from './own-objects.ts';

/** Why it was aborted. */
interface Aborted {
  readonly reason: unknown;
}

interface SignalData {
  readonly aborted?: Aborted;
  readonly future?: Future<Aborted>;
}

/** What other threads know a signal by. */
interface Link {
  future(): Future<Aborted>;
}

const links = new WeakMap<AbortSignal, Link>();
/** Those of this thread, by the address of what is said when they are aborted. */
const own = new OwnObjects<AbortSignal>();
/** Those of others, as long as these may abort them. */
const received = new Map<number, AbortSignal>();

function linkOf(signal: AbortSignal): Link {
  let link = links.get(signal);
  if (link === undefined) {
    const announcement = new Announcement();
    const { address } = announcement;
    link = { future: () => announcement.future() as Future<Aborted> };
    links.set(signal, link);
    own.note(address, signal);
    // The listener goes with the signal.
    onAbort(signal, (reason) => tell(announcement, reason));
  }
  return link;
}

function tell(announcement: Announcement, reason: unknown): void {
  try {
    announcement.say({ reason: carried(reason) } satisfies Aborted);
  } catch (error) {
    report('HEDDLE_CALLBACK_ERROR', 'Cannot tell other threads that a signal was aborted', error);
  }
}

provideCarrier<AbortSignal>(
  {
    name: 'signal',
    takeApart(signal) {
      if (signal.aborted) {
        const aborted: Aborted = { reason: carried(signal.reason) };
        return { data: { aborted } satisfies SignalData };
      }
      const future = linkOf(signal).future();
      return { data: { future } satisfies SignalData, companion: future };
    },
    make(data) {
      const { aborted, future } = data as SignalData;
      return aborted === undefined ? signalOf(future!) : AbortSignal.abort(aborted.reason);
    },
  },
  AbortSignal,
);

function signalOf(future: Future<Aborted>): AbortSignal {
  const address = addressOfFuture(future);
  const known = own.at(address) ?? received.get(address);
  if (known !== undefined) {
    future[Symbol.dispose]();
    return known;
  }
  const controller = new AbortController();
  const { signal } = controller;
  const follow = (): void => {
    if (future.status === 'pending' || received.get(address) !== signal) return;
    received.delete(address);
    // Else whoever could have aborted it never will.
    if (future.status === 'fulfilled') controller.abort(future.tryResult()!.value.reason);
  };
  received.set(address, signal);
  links.set(signal, { future: () => anotherOfFuture(future) });
  markCarried(signal, 'signal');
  seeAtOnce(signal, follow);
  future.addDoneCallback(follow);
  return signal;
}

/** Code that does not return to its loop sees the abort when it asks. */
function seeAtOnce(signal: AbortSignal, look: () => void): void {
  const { aborted, reason } = ACCESSORS;
  Object.defineProperties(signal, {
    aborted: {
      configurable: true,
      get(): boolean {
        look();
        return aborted.call(signal) as boolean;
      },
    },
    reason: {
      configurable: true,
      get(): unknown {
        look();
        return reason.call(signal);
      },
    },
    throwIfAborted: {
      configurable: true,
      writable: true,
      value(): void {
        look();
        AbortSignal.prototype.throwIfAborted.call(signal);
      },
    },
  });
}

const ACCESSORS = {
  aborted: Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')!.get!,
  reason: Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'reason')!.get!,
};
