/** What a job is to do. */
import { explainWireFailure } from '../codec/refusal.ts';
import { cannotMove } from '../codec/transfers.ts';
import { releaseWire, type Wire } from '../codec/wire.ts';
import type { Transferable } from '../platform/worker.ts';
import type { ItemOutcomes } from '../thread/protocol.ts';

/** What is to be done: one call, or one call for each item of a chunk. */
export type Work =
  | { readonly kind: 'call'; readonly args: readonly unknown[]; readonly quiet?: boolean }
  | {
      readonly kind: 'each';
      readonly items: readonly unknown[];
      /** What messages call the items. */
      readonly path: string;
      readonly args: readonly unknown[];
      readonly stop: boolean;
      /** Outcomes of the next items, in order. */
      readonly onPart: (outcomes: ItemOutcomes) => void;
    };

/** What is left of work that is in shared memory. */
export const SENT: Work = { kind: 'call', args: [] };

/**
 * Arguments are those of the moment of the call, and are refused then: what goes by a message later is copied, or moved.
 *
 * @throws SendError with the path to what structured clone refuses.
 */
export function freeze(wire: Wire<unknown>, path: string): Wire<unknown> {
  const { handles, companions, ...data } = wire;
  try {
    const transfer = data.transfer as Transferable[] | undefined;
    return {
      ...(transfer === undefined ? structuredClone(data) : structuredClone(data, { transfer })),
      ...(handles && { handles }),
      ...(companions && { companions }),
    };
  } catch (error) {
    releaseWire(wire);
    const moved: readonly unknown[] = data.transfer ?? [];
    const explained = explainWireFailure(wire, path, error, (value) =>
      // What is to be moved cannot be tried by itself.
      moved.includes(value) ? undefined : structuredClone(value),
    );
    throw moved.length > 0 && explained.path === path ? cannotMove(path, error) : explained;
  }
}

/** The wires of several values as that of an array of them. */
export function joinWires(wires: readonly Wire<unknown>[]): Wire<unknown> {
  const specials = wires.flatMap((wire) => wire.specials ?? []);
  const handles = wires.flatMap((wire) => wire.handles ?? []);
  const transfer = wires.flatMap((wire) => wire.transfer ?? []);
  const companions = wires.flatMap((wire) => wire.companions ?? []);
  return {
    value: wires.map((wire) => wire.value),
    ...(specials.length > 0 && { specials }),
    ...(handles.length > 0 && { handles }),
    ...(transfer.length > 0 && { transfer }),
    ...(companions.length > 0 && { companions }),
  };
}
