/**
 * One trace through all threads. A job takes the W3C trace context of its submitter along (`traceparent`, `tracestate`, and the
 * baggage), so that the spans of OpenTelemetry which it makes in its thread are children of the span there.
 *
 *     npm exec -- node examples/recipes/trace.ts
 *     npm exec -- node examples/recipes/trace.ts --traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 */
import { parseArgs } from 'node:util';
import { context, propagation, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  currentThread,
  defaultPool,
  EventLoopThread,
  type Executor,
  isMainThread,
  portable,
  Queue,
  run,
  shared,
  ThreadPoolExecutor,
} from 'heddle';

/** What is shown of a span. */
interface Row {
  readonly name: string;
  readonly trace: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly thread: string;
  readonly tenant: string | undefined;
}

/** All threads put what they have recorded here. It stands for a collector, to which each of them would send. */
const rows = shared('recipes/trace', () => new Queue<Row>());

const toRows: SpanProcessor = {
  onStart: () => {},
  onEnd(span: ReadableSpan) {
    const { name, attributes, parentSpanContext } = span;
    const { traceId, spanId } = span.spanContext();
    const tenant = attributes['tenant'] as string | undefined;
    rows.tryPut({
      name,
      trace: traceId,
      id: spanId,
      parent: parentSpanContext?.spanId,
      thread: currentThread().name,
      tenant,
    });
  },
  forceFlush: async () => {},
  shutdown: async () => {},
};

// In each thread: all of them import this module.
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(
  new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
);
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [toRows] }));
const tracer = trace.getTracer('recipes');

type Carrier = Record<string, string>;

/** The active context of OpenTelemetry as headers: they cross, the span itself stays in its thread. */
const traceContext = portable(
  import.meta,
  {
    getStore(): Carrier | undefined {
      const carrier: Carrier = {};
      propagation.inject(context.active(), carrier);
      return Object.keys(carrier).length === 0 ? undefined : carrier;
    },
    run: <R>(carrier: Carrier | undefined, fn: () => R): R =>
      context.with(propagation.extract(ROOT_CONTEXT, carrier ?? {}), fn),
  },
  'traceContext',
);

/** The same executor, for jobs that belong to the trace. */
const traced = (executor: Executor): Executor => executor.with({ context: [traceContext] });

/** A span for as long as `fn` runs. */
async function inSpan<R>(name: string, fn: (span: Span) => R): Promise<Awaited<R>> {
  const tenant = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
  return await tracer.startActiveSpan(name, { attributes: { tenant } }, async (span) => {
    try {
      return await fn(span);
    } finally {
      span.end();
    }
  });
}

const { chart, record, render } = portable(import.meta, {
  chart: (points: number) => inSpan(`chart of ${points}`, () => '.'.repeat(points)),

  /** Has jobs of its own: each hop says anew that it takes the context along. */
  render: (sizes: readonly number[]) =>
    inSpan('render', async () => {
      const jobs = traced(defaultPool()); // the pool that runs this one
      return (await Promise.all(sizes.map((points) => jobs.submit(chart, points)))).join(' ');
    }),

  record: (page: string) => inSpan('record', () => page.length),
});

async function main(traceparent: string | undefined): Promise<void> {
  await using pool = new ThreadPoolExecutor({ threads: 2, name: 'pages' });
  await using loop = await EventLoopThread.start({ name: 'records' });

  // As a server does: what came with the request, and what is added to it.
  const incoming = propagation.extract(ROOT_CONTEXT, traceparent === undefined ? {} : { traceparent });
  const baggage = propagation.createBaggage({ tenant: { value: 'mill 7' } });
  await context.with(propagation.setBaggage(incoming, baggage), () =>
    inSpan('request', async () => {
      const page = await traced(pool).submit(render, [2, 3]);
      await traced(loop).submit(record, page);
      for await (const _ of traced(pool).map(chart, [4, 5]));
    }),
  );

  const all: Row[] = [];
  for (let next = rows.tryGet(); next !== undefined; next = rows.tryGet()) all.push(next.value);
  const request = all.find(({ name }) => name === 'request')!;
  console.log(
    `request, child of ${request.parent === undefined ? 'nobody' : `${request.parent} of another process`}`,
  );
  showChildren(all, request, '  ');
  console.log(`traces: ${new Set(all.map(({ trace }) => trace)).size}`);
}

function showChildren(all: readonly Row[], of: Row, margin: string): void {
  const children = all.filter(({ parent }) => parent === of.id);
  for (const row of children.sort((a, b) => a.name.localeCompare(b.name))) {
    console.log(`${margin}${row.name}, in ${row.thread.replace(/[-\d]+$/, '')}, for ${row.tenant}`);
    showChildren(all, row, `${margin}  `);
  }
}

if (isMainThread) {
  const { values } = parseArgs({ options: { traceparent: { type: 'string' } } });
  await run(() => main(values.traceparent));
}
