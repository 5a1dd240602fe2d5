/**
 * A Fastify route that computes in a pool of threads. A client that goes away and a time-out both free the thread; a pool
 * that has enough to do says so at once.
 *
 *     npm exec -- node examples/recipes/fastify.ts --port 3000
 *     curl -X POST localhost:3000/primes -H 'content-type: application/json' -d '{"limit": 1000000}'
 */
import { parseArgs } from 'node:util';
import createApp, { type FastifyInstance } from 'fastify';
import {
  type Executor,
  outside,
  PoolFullError,
  run,
  ThreadPoolExecutor,
  TimeoutError,
  untilSignal,
} from 'heddle';
import { countPrimes } from './primes.ts';

class ClientGoneError extends Error {
  override readonly message = 'the client is gone';
}

/** Adds the route, and what becomes of the errors of its jobs. */
function addRoutes(app: FastifyInstance, pool: Executor, timeout: number): void {
  const schema = {
    body: { type: 'object', required: ['limit'], properties: { limit: { type: 'integer', minimum: 0 } } },
  };
  app.post<{ Body: { limit: number } }>('/primes', { schema }, async (request, reply) => {
    const gone = new AbortController();
    // Of the reply, not of the request, which is closed as soon as its body has been read.
    reply.raw.once('close', () => gone.abort(new ClientGoneError()));
    const jobs = pool.with({ signal: gone.signal, timeout, name: `request ${request.id}` });
    return { primes: await jobs.submit(countPrimes, request.body.limit) };
  });

  app.setErrorHandler(async (error, request, reply) => {
    if (error instanceof PoolFullError)
      return reply.code(503).header('retry-after', '1').send({ error: 'too much to do' });
    if (error instanceof TimeoutError) return reply.code(503).send({ error: 'took too long' });
    if (error instanceof ClientGoneError) {
      console.log(`request ${request.id} given up: ${error.message}`);
      return reply.code(499).send(); // nobody reads it
    }
    throw error;
  });
}

async function main(port: number, timeout: number): Promise<void> {
  const pool = new ThreadPoolExecutor({
    threads: 1,
    maxPending: 1, // one that runs, one that waits
    name: 'primes',
    onCancel: 'terminate', // a job that does not look loses its thread
    grace: 500,
  });
  // Requests belong to no task, so the server starts outside the one that runs.
  const app = outside(() => createApp());
  addRoutes(app, pool, timeout);
  app.get('/status', () => pool.statistics());
  console.log(`listening on ${await outside(() => app.listen({ port, host: '127.0.0.1' }))}`);
  console.log(`stopping after ${await untilSignal()}`);
  await app.close(); // the requests under way are answered
}

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, timeout: { type: 'string', default: '10000' } },
});
await run(() => main(Number(values.port), Number(values.timeout)));
