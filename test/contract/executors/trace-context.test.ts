/** A W3C trace context crosses with jobs, by a storage that adapts OpenTelemetry as well as by one of plain headers. */
import { context, propagation } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventLoopThread, Executor, ThreadPoolExecutor } from '../../../src/index.ts';
import { eachExecutor, LOOP, POOL, pool, THREADED } from './stand.ts';
import { type Carrier, type Kind, setUp, storages, traced, traceJobs } from './trace-jobs.ts';

const INCOMING: Carrier = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
  baggage: 'tenant=mill%207',
};

beforeAll(setUp);
afterAll(() => {
  context.disable();
  propagation.disable();
});

describe.each(['telemetry', 'headers'] as const satisfies Kind[])('a trace context in %s', (kind) => {
  const inTrace = <R>(fn: () => R): R => storages[kind].run(INCOMING, fn);

  eachExecutor(THREADED, (_, the) => {
    test('arrives with a job, whole', async () => {
      expect(await inTrace(() => traced(the(), kind).submit(traceJobs.read, kind))).toEqual(INCOMING);
    });

    test('arrives with every item of map()', async () => {
      const items = Array.from({ length: 30 }, (_, n) => n);
      const results = inTrace(() => traced(the(), kind).map(traceJobs.readOf, items, { args: [kind] }));
      for await (const carrier of results) expect(carrier).toEqual(INCOMING);
    });

    test('is none where there is none', async () => {
      await inTrace(() => traced(the(), kind).submit(traceJobs.read, kind));
      expect(await traced(the(), kind).submit(traceJobs.read, kind)).toBeUndefined();
    });
  });

  eachExecutor([POOL, LOOP], (_, the) => {
    const own = (): Executor => the() as ThreadPoolExecutor | EventLoopThread;

    test('goes on with a job of a job, to the same executor and to another', async () => {
      for (const to of [own(), pool()])
        expect(await inTrace(() => traced(the(), kind).submit(traceJobs.nested, kind, to))).toEqual(INCOMING);
    });

    test('ends at a job that is submitted without it', async () => {
      expect(await inTrace(() => traced(the(), kind).submit(traceJobs.untold, kind, pool()))).toBeUndefined();
    });
  });
});
