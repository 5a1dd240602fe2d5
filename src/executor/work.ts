/** What a job is to do, and how its arguments are kept until a thread has them. */
import { explainCloneFailure } from '../codec/encode.ts';
import { releaseWire, type Wire } from '../codec/wire.ts';
import type { ItemOutcomes } from '../thread/protocol.ts';

/** What is to be done: one call, or one call for each item of a chunk. */
export type Work =
  | { readonly kind: 'call'; readonly args: Wire<readonly unknown[]> }
  | {
      readonly kind: 'each';
      readonly items: Wire<readonly unknown[]>;
      readonly args: Wire<readonly unknown[]>;
      readonly stop: boolean;
      /** Outcomes of the next items, in order, as soon as a thread sends them. */
      readonly onPart: (outcomes: ItemOutcomes) => void;
    };

/** What is left of a call whose arguments were sent. */
export const SENT: Work = { kind: 'call', args: { value: [] } };

/** Arguments are those of the moment of the call, and are refused then: a job that must wait takes a copy. */
export function freeze(work: Work): Work {
  try {
    if (work.kind === 'call') return { ...work, args: copy(work.args) };
    return { ...work, items: copy(work.items), args: copy(work.args) };
  } catch (error) {
    throw cloneFailure(work, error);
  }
}

function copy(wire: Wire<readonly unknown[]>): Wire<readonly unknown[]> {
  const values = wire.value as readonly unknown[];
  if (values.every((value) => typeof value !== 'object' || value === null)) return wire;
  const { handles, ...data } = wire;
  return { ...structuredClone(data), ...(handles && { handles }) };
}

/** Why the work cannot be sent: the path to what structured clone refused. */
export function cloneFailure(work: Work, error: unknown): unknown {
  return explainCloneFailure((work.kind === 'call' ? work.args : work.items).value, 'args', error);
}

/** The arguments will not be sent again. */
export function releaseWork(work: Work): void {
  releaseWire(work.args);
  if (work.kind === 'each') releaseWire(work.items);
}
