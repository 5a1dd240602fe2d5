/**
 * How the jobs of this very loop get their function and arguments, and give their results: uncopied, or by the rules of
 * threads. Then everything takes the way that it would take to a thread, and comes back to this one.
 */
import { type Companion, releaseWire, type Wire } from '../codec/wire.ts';
import { type FunctionReference, resolveReference } from '../function/reference.ts';
import type { KnownFunction } from '../jobs/functions.ts';
import { ownThreadId } from '../platform/worker.ts';
import { carried } from '../thread/outcomes.ts';
import { discardMessage, packMessage } from '../thread/parcel-service.ts';
import { decodeValue, encodeValue } from '../thread/values.ts';
import type { AnyFunction } from './executor.ts';
import { addressOf, functionName, knowFunction } from './known-function.ts';
import { freeze, type Work } from './work.ts';

/** A function, and what it is called with: the arguments; or of a chunk the items, and the arguments after each. */
export type Call = readonly [fn: (...args: readonly unknown[]) => unknown, values: readonly unknown[]];

/** A call that waits for its turn. */
export interface PendingCall {
  readonly fn: KnownFunction;
  /** What is to be called; a promise while a module must be loaded for it. */
  open(): Call | Promise<Call>;
  /** It is not wanted any more. */
  discard(): void;
  /** What stays here of the arguments. */
  readonly companions?: readonly Companion[];
}

export interface CallRules {
  /** @throws TypeError, CaptureError, SendError for what these rules refuse. */
  prepare(fn: AnyFunction, site: AnyFunction, work: Work): PendingCall;
  /**
   * What a function gave or threw, as who submitted gets it; a promise while a module must be loaded for it. Without this: as
   * it is.
   *
   * @throws SendError
   */
  readonly copy?: (value: unknown, path: 'result' | 'error') => unknown;
}

/** Any function and argument, as they are. */
export const uncopied: CallRules = {
  prepare(fn, _site, work) {
    const address = addressOf(fn);
    const values = valuesOf(work);
    const known = { id: 0, reference: { value: undefined }, name: functionName(fn.name) };
    return {
      fn: known,
      open: () => (address === undefined ? callOf(fn, values) : callWhenFound(address, values)),
      discard: () => {},
    };
  },
};

/** As if it went to a thread. */
export const asForThreads: CallRules = {
  prepare(fn, site, work) {
    const known = knowFunction(fn, site);
    const reference = known.reference.value as FunctionReference;
    // What a thread would make anew is the same here, unless values go with it.
    const sendsFunction =
      addressOf(fn) !== undefined || (reference.kind === 'inline' && reference.values !== undefined);
    const sent: Wire<unknown>[] = [];
    const companions: Companion[] = [];
    const post = (wire: Wire<unknown>, path: string): void => {
      if (wire.companions !== undefined) companions.push(...wire.companions);
      sent.push(send(wire, path));
    };
    const discard = (): void => sent.forEach((wire) => void discardMessage({ wire }));
    try {
      if (sendsFunction) post(known.reference, 'captured');
      if (work.kind === 'each') post(encodeValue(work.items, work.path), work.path);
      post(encodeValue(work.args, 'args'), 'args');
    } catch (error) {
      discard();
      throw error;
    }
    const callWith = (opened: readonly unknown[]): Call | Promise<Call> => {
      const values = sendsFunction ? opened.slice(1) : opened;
      const args = work.kind === 'each' ? values : (values[0] as readonly unknown[]);
      return sendsFunction ? callWhenFound(opened[0] as FunctionReference, args) : callOf(fn, args);
    };
    const open = (): Call | Promise<Call> => {
      const opened = sent.map((wire) => decodeValue(wire));
      return opened.some((one) => one instanceof Promise)
        ? Promise.all(opened).then(callWith)
        : callWith(opened);
    };
    return { fn: known, open, discard, companions };
  },
  copy: (value, path) =>
    decodeValue(send(encodeValue(path === 'error' ? carried(value) : value, path), path)),
};

function valuesOf(work: Work): readonly unknown[] {
  return work.kind === 'each' ? [work.items, work.args] : work.args;
}

function callOf(fn: AnyFunction, values: readonly unknown[]): Call {
  return [fn as (...args: readonly unknown[]) => unknown, values];
}

function callWhenFound(reference: FunctionReference, values: readonly unknown[]): Call | Promise<Call> {
  const fn = resolveReference(reference);
  return fn instanceof Promise ? fn.then((found) => callOf(found, values)) : callOf(fn, values);
}

/** The wire as it arrives: copied, its handles in parcels for this thread. @throws SendError */
function send(wire: Wire<unknown>, path: string): Wire<unknown> {
  const frozen = freeze(wire, path);
  try {
    return packMessage({ frozen }, ownThreadId).frozen;
  } finally {
    releaseWire(frozen);
  }
}
