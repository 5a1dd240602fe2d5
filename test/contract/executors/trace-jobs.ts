/** The W3C trace context as a storage of `context`: that of OpenTelemetry, and headers in a storage of one's own. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { type Executor, isMainThread, portable } from '../../../src/index.ts';

export type Carrier = Readonly<Record<string, string>>;

/** Makes OpenTelemetry work in this thread. */
export function setUp(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
}

if (!isMainThread) setUp();

interface CarrierStorage {
  getStore(): Carrier | undefined;
  run<R>(carrier: Carrier | undefined, fn: () => R): R;
}

export const telemetry: CarrierStorage = portable(
  import.meta,
  {
    getStore(): Carrier | undefined {
      const carrier: Record<string, string> = {};
      propagation.inject(context.active(), carrier);
      return Object.keys(carrier).length === 0 ? undefined : carrier;
    },
    run: <R>(carrier: Carrier | undefined, fn: () => R): R =>
      context.with(propagation.extract(ROOT_CONTEXT, carrier ?? {}), fn),
  },
  'telemetry',
);

export const headers: AsyncLocalStorage<Carrier | undefined> = portable(
  import.meta,
  new AsyncLocalStorage<Carrier | undefined>(),
  'headers',
);

export type Kind = 'telemetry' | 'headers';

export const storages: Readonly<Record<Kind, CarrierStorage>> = { telemetry, headers };

/** The executor, for jobs that take the context along. */
export function traced(executor: Executor, kind: Kind): Executor {
  return executor.with({ context: [storages[kind]] });
}

const functions = {
  async read(kind: Kind): Promise<Carrier | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    return storages[kind].getStore();
  },

  readOf(_item: number, kind: Kind): Carrier | undefined {
    return storages[kind].getStore();
  },

  /** As a job whose job reads it. */
  async nested(kind: Kind, executor: Executor): Promise<Carrier | undefined> {
    return await traced(executor, kind).submit(traceJobs.read, kind);
  },

  /** Submits it without a word of the context. */
  async untold(kind: Kind, executor: Executor): Promise<Carrier | undefined> {
    return await executor.submit(traceJobs.read, kind);
  },
};

export const traceJobs: typeof functions = portable(import.meta, functions);
