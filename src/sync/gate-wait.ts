/** Waiting until a gate opens, on the loop or blocked: what events and latches share. */
import type { Source } from '../park/source.ts';
import { granted } from '../park/turn.ts';
import { checkWait, rejection, throwIfEnded, type Wanted, waitAsync, waitSync } from '../park/wait.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import type { Gate } from './gate.ts';
import type { SyncWaitOptions } from './permit-request.ts';
import type { SharedHandle } from './shared-handle.ts';

/** An open gate. */
export class GateWait implements Wanted<true> {
  readonly parking: Gate['parking'];
  readonly object: number;
  readonly #handle: SharedHandle<Gate>;
  readonly #gate: Gate;

  constructor(handle: SharedHandle<Gate>) {
    this.#handle = handle;
    this.#gate = handle.core;
    this.parking = this.#gate.parking;
    this.object = this.#gate.object;
  }

  isThere(): boolean {
    return this.#gate.count() === 0;
  }

  hasLine(): boolean {
    return false;
  }

  attempt(): true | undefined {
    return this.#gate.count() === 0 ? true : undefined;
  }

  line(node: number): undefined {
    this.#gate.line(node);
  }

  granted(): true {
    return true;
  }

  withdraw(node: number): undefined {
    this.#gate.queue.remove(node);
  }

  begin(): void {
    this.#handle.use();
  }

  end(): void {
    this.#handle.unuse();
  }

  describe(): string {
    return `Cannot wait for ${this.#handle.describe()}`;
  }
}

export function passGate(handle: SharedHandle<Gate>, options: WaitOptions | undefined): Promise<void> {
  try {
    const wait = checkWait(options);
    throwIfEnded(wait.signal);
    if (handle.core.count() === 0) return granted(undefined);
    return waitAsync(new GateWait(handle), wait, ignore);
  } catch (error) {
    return rejection(error);
  }
}

export function passGateSync(handle: SharedHandle<Gate>, options: SyncWaitOptions | undefined): void {
  const { timeout } = checkWait(options);
  throwIfEnded();
  if (handle.core.count() === 0) return;
  if (timeout > 0) handle.checkOthers('wait for', timeout);
  waitSync(new GateWait(handle), timeout);
}

/** For `select`. */
export function gateSource(handle: SharedHandle<Gate>): Source {
  return {
    wanted: new GateWait(handle),
    value: ignore,
    check: ignore,
    checkOthers: (timeout) => handle.checkOthers('wait for', timeout),
  };
}

function ignore(): void {}
