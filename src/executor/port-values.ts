import type { Wire } from '../codec/wire.ts';
import { decodeValue } from '../thread/values.ts';

/** Results that come by a message, for jobs whose end is told by shared memory: whichever comes first waits for the other. */
export class PortValues {
  readonly #values = new Map<number, Wire<unknown>>();
  readonly #takers = new Map<number, (wire: Wire<unknown>) => void>();

  /** The result of the job at that address has come. */
  came(address: number, wire: Wire<unknown>): void {
    const take = this.#takers.get(address);
    this.#takers.delete(address);
    if (take === undefined) this.#values.set(address, wire);
    else take(wire);
  }

  /** Calls `take` with the result, now or once it comes. */
  take(address: number, take: (wire: Wire<unknown>) => void): void {
    const wire = this.#values.get(address);
    this.#values.delete(address);
    if (wire === undefined) this.#takers.set(address, take);
    else take(wire);
  }
}

/** Opens an error that came by a message, and hands it on; or the error why it cannot be had here. */
export function openError(wire: Wire<unknown>, told: (error: unknown) => void): void {
  let error: unknown;
  try {
    error = decodeValue(wire);
  } catch (refused) {
    error = refused;
  }
  if (error instanceof Promise) error.then(told, told);
  else told(error);
}
