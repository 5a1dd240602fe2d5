/**
 * Where a thread begins: the module that every worker of heddle runs. It takes calls from its owner, runs each as a
 * root task of this loop, and answers. Keep what it imports small: it is loaded before the first result.
 */
import { Atomics } from '#atomics';
import { explainCloneFailure } from '../codec/encode.ts';
import type { Wire } from '../codec/wire.ts';
import { show } from '../core/arguments.ts';
import { CancelledError, HeddleError, SendError } from '../core/errors.ts';
import { type FunctionReference, resolveReference } from '../function/reference.ts';
import type { AnyFunction } from '../function/registry.ts';
import { applyLoaderSettings } from '../platform/modules.ts';
import { exitThread, type MessagePort, ownSeed, takeMessage } from '../platform/worker.ts';
import { cancelled } from '../scope/cancelled.ts';
import { currentTask } from '../scope/current-task.ts';
import { startTask, type Task } from '../scope/task.ts';
import { discardMessage, packMessage, releaseMessage } from './parcel-service.ts';
import type { FromThread, FunctionOnWire, ItemOutcomes, ThreadSettings, ToThread } from './protocol.ts';
import { decodeValue, encodeValue } from './values.ts';

/** Outcomes of a chunk that has run this long are sent, so that a death of the thread loses little. */
const PART_MS = 10;

class ThreadMain {
  readonly #port: MessagePort;
  readonly #settings: ThreadSettings;
  readonly #cancels: Int32Array;
  readonly #functions = new Map<number, AnyFunction | Promise<AnyFunction>>();
  readonly #runs = new Map<number, Run>();
  /** Messages that were taken early, while looking for a cancellation. */
  readonly #postponed: ToThread[] = [];
  #cancelsSeen = 0;

  constructor(port: MessagePort, settings: ThreadSettings) {
    this.#port = port;
    this.#settings = settings;
    this.#cancels = new Int32Array(settings.cancels);
  }

  async start(): Promise<void> {
    applyLoaderSettings(this.#settings.loader as Parameters<typeof applyLoaderSettings>[0]);
    const { initializer } = this.#settings;
    if (initializer !== undefined) {
      try {
        const initialize = (await resolveReference(await decodeValue(initializer))) as () => unknown;
        await startTask(() => initialize(), { name: 'initializer' });
      } catch (error) {
        this.#send({ type: 'unfit', error: encodeError(error) });
        return;
      }
    }
    this.#send({ type: 'ready' });
    this.#port.on('message', (message: ToThread) => this.#receive(message, { now: true }));
  }

  /** Handles messages in the order in which they were sent; only a cancellation overtakes the job that it is for. */
  #receive(message: ToThread, { now }: { now: boolean }): void {
    if (message.type === 'call' || message.type === 'each') {
      this.#runs.set(message.job, { task: undefined, cancelled: undefined });
    }
    if (message.type === 'cancel' || (now && this.#postponed.length === 0)) this.#handle(message);
    else if (this.#postponed.push(message) === 1) setImmediate(() => this.#catchUp());
  }

  #catchUp(): void {
    for (let next = this.#postponed.shift(); next !== undefined; next = this.#postponed.shift())
      this.#handle(next);
  }

  #handle(message: ToThread): void {
    switch (message.type) {
      case 'call':
      case 'each':
        void this.#run(message);
        return;
      case 'cancel':
        this.#cancel(message.job, message.reason);
        return;
      case 'forget':
        this.#functions.clear();
        return;
      case 'stop':
        exitThread();
    }
  }

  /** Never rejects: whatever goes wrong is the answer to the job. */
  async #run(message: ToThread & { type: 'call' | 'each' }): Promise<void> {
    const { job } = message;
    const run = this.#runs.get(job) as Run;
    const began = performance.now();
    const ran = (): number => performance.now() - began;
    try {
      const found = this.#load(message);
      const loaded = found instanceof Promise ? await found : found;
      if (run.cancelled !== undefined) throw new CancelledError('Cancelled before it began', run.cancelled);
      run.task = startTask(
        () => (message.type === 'call' ? call(loaded.fn, loaded.args) : this.#each(message, loaded)),
        {
          name: message.name,
          poll: () => this.#poll(run),
        },
      );
      const value = await run.task;
      if (message.type === 'each') this.#sendPart({ type: 'done', job, ran: ran() }, value as Part);
      else this.#answer(job, value, ran());
    } catch (error) {
      const cancelled = run.cancelled !== undefined && error instanceof CancelledError;
      this.#send({ type: 'error', job, error: encodeError(error), cancelled, ran: ran() });
    } finally {
      this.#runs.delete(job);
    }
  }

  /** The function and what it is called with; without waiting when no module has to be loaded for it. */
  #load(message: ToThread & { type: 'call' | 'each' }): Loaded | Promise<Loaded> {
    const fn = this.#function(message.fn);
    const args = decodeValue(message.args);
    const items = message.type === 'each' ? decodeValue(message.items) : undefined;
    if (fn instanceof Promise || args instanceof Promise || items instanceof Promise) {
      return Promise.all([fn, args, items]).then(([f, a, i]) => ({ fn: f, args: a, items: i ?? [] }));
    }
    return { fn, args, items: items ?? [] };
  }

  #function(onWire: FunctionOnWire): AnyFunction | Promise<AnyFunction> {
    if (typeof onWire === 'number') {
      const known = this.#functions.get(onWire);
      if (known === undefined)
        throw new Error(`Cannot run job: function ${onWire} was never sent to this thread`);
      return known;
    }
    const fn = this.#resolve(onWire.reference);
    if (onWire.id === 0) return fn;
    this.#functions.set(onWire.id, fn);
    // Once it is there, later calls need not wait. One that failed to load stays: so do modules in the loader.
    if (fn instanceof Promise)
      void fn.then((loaded) => this.#functions.set(onWire.id, loaded)).catch(() => {});
    return fn;
  }

  #resolve(wire: Wire<FunctionReference>): AnyFunction | Promise<AnyFunction> {
    try {
      const reference = decodeValue(wire);
      return reference instanceof Promise ? reference.then(resolveReference) : resolveReference(reference);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Runs a chunk item by item, and returns the last part of its outcomes: errors of items are outcomes too. */
  async #each(message: ToThread & { type: 'each' }, { fn, items, args }: Loaded): Promise<Part> {
    let part = new Part();
    for (const [index, item] of items.entries()) {
      if (cancelled()) break;
      try {
        const value = call(fn, [item, ...args]);
        part.values.push(isThenable(value) ? await value : value);
      } catch (error) {
        part.errors.push([part.values.push(undefined) - 1, error]);
        if (message.stop) break;
      }
      if (index + 1 < items.length && part.age >= PART_MS) {
        this.#sendPart({ type: 'part', job: message.job }, part);
        part = new Part();
      }
    }
    return part;
  }

  #cancel(job: number, wire: Wire<unknown>): void {
    const run = this.#runs.get(job);
    if (run === undefined) {
      discardMessage({ wire });
      return;
    }
    const reason = decodeValue(wire);
    run.cancelled = { cause: reason instanceof CancelledError ? reason.cause : reason };
    run.task?.cancel(run.cancelled.cause);
  }

  /** Called by `cancelled()` in the job: it may be in its first, synchronous stretch, before there is a task to cancel. */
  #poll(run: Run): void {
    this.#lookForCancellations();
    if (run.cancelled !== undefined && run.task === undefined) currentTask()?.cancel(run.cancelled.cause);
  }

  /**
   * Code that does not return to the loop asks here whether it was cancelled. One atomic read if nothing is new; else
   * the messages that wait are taken: cancellations take effect now, the others once the loop is free again.
   */
  #lookForCancellations(): void {
    const posted = Atomics.load(this.#cancels, 0);
    if (posted === this.#cancelsSeen) return;
    this.#cancelsSeen = posted;
    for (let next = takeMessage(this.#port); next !== undefined; next = takeMessage(this.#port)) {
      this.#receive(next.message as ToThread, { now: false });
    }
  }

  /** An answer that cannot be sent is itself an error of the job. */
  #answer(job: number, value: unknown, ran: number): void {
    try {
      this.#send({ type: 'value', job, value: encodeValue(value, 'result'), ran });
    } catch (error) {
      const reason = error instanceof HeddleError ? error : explainCloneFailure(value, 'result', error);
      this.#send({ type: 'error', job, error: encodeError(reason), cancelled: false, ran });
    }
  }

  /** Only the items whose results cannot be sent fail. */
  #sendPart(
    message:
      | Omit<FromThread & { type: 'part' }, 'outcomes'>
      | Omit<FromThread & { type: 'done' }, 'outcomes'>,
    part: Part,
  ): void {
    try {
      this.#send({ ...message, outcomes: encodeValue<ItemOutcomes>(part, 'result') });
    } catch {
      this.#send({ ...message, outcomes: encodeValue<ItemOutcomes>(sendable(part), 'result') });
    }
  }

  #send(message: FromThread): void {
    const packed = packMessage(message, this.#settings.owner);
    try {
      this.#port.postMessage(packed);
    } catch (error) {
      if (packed !== message) discardMessage(packed);
      throw error;
    } finally {
      if (packed !== message) releaseMessage(message);
    }
  }
}

/** A job in this thread. */
interface Run {
  /** Once its function has returned from its first stretch. */
  task: Task<unknown> | undefined;
  cancelled: { readonly cause: unknown } | undefined;
}

interface Loaded {
  readonly fn: AnyFunction;
  readonly args: readonly unknown[];
  readonly items: readonly unknown[];
}

/** Outcomes of a chunk that were not sent yet. */
class Part implements ItemOutcomes {
  readonly values: unknown[] = [];
  readonly errors: [index: number, error: unknown][] = [];
  readonly #since = performance.now();

  get age(): number {
    return performance.now() - this.#since;
  }
}

/** The same outcomes, with an error in the place of each value that cannot travel. */
function sendable({ values, errors }: Part): ItemOutcomes {
  const sent: ItemOutcomes & { values: unknown[]; errors: [number, unknown][] } = { values: [], errors: [] };
  const failed = new Map(errors);
  for (const [index, value] of values.entries()) {
    const error = failed.has(index) ? failed.get(index) : refusal(value);
    sent.values.push(error === undefined ? value : undefined);
    if (failed.has(index) || error !== undefined) sent.errors.push([index, carried(error)]);
  }
  return sent;
}

/** Why this result cannot travel; `undefined` if it can. */
function refusal(value: unknown): unknown {
  try {
    const { handles, ...wire } = encodeValue(value, 'result');
    for (const handle of handles ?? []) handle[Symbol.dispose]();
    structuredClone(wire);
    return undefined;
  } catch (error) {
    return error instanceof HeddleError ? error : explainCloneFailure(value, 'result', error);
  }
}

/** What was thrown, or what can be said of it if it cannot travel itself. */
function carried(error: unknown): unknown {
  return refusal(error) === undefined
    ? error
    : new SendError(`Cannot send what the function threw: ${show(error)}`, 'error');
}

function encodeError(error: unknown): Wire<unknown> {
  return encodeValue(carried(error), 'error');
}

function call(fn: AnyFunction, args: readonly unknown[]): unknown {
  return (fn as (...all: readonly unknown[]) => unknown)(...args);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

const seed = ownSeed<ThreadSettings>();
if (seed !== undefined) void new ThreadMain(seed.port, seed.settings).start();
