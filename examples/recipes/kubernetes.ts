/**
 * A service that ends gracefully when Kubernetes tells it to: it is no longer ready, takes no more requests, answers those
 * under way, empties its queue, and is gone before the kubelet loses patience.
 *
 *     npm exec -- node examples/recipes/kubernetes.ts --port 8080 --probes 8081
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import {
  EventLoopThread,
  type Executor,
  outside,
  Queue,
  race,
  run,
  sleep,
  ThreadPoolExecutor,
  TimeoutError,
  until,
  untilSignal,
  withTimeout,
} from 'heddle';
import { countPrimes } from './primes.ts';

interface Settings {
  readonly port: number;
  readonly probes: number;
  /** Milliseconds in which whoever sends requests learns that there is to be no more of them. */
  readonly linger: number;
  /** Milliseconds for all the rest; then what is left is given up. */
  readonly drain: number;
}

async function main({ port, probes, linger, drain }: Settings): Promise<void> {
  const pool = new ThreadPoolExecutor({ maxPending: 100, name: 'primes' });
  const recorder = await EventLoopThread.start({ name: 'recorder' });
  const records = new Queue<string>({ capacity: 1_000, name: 'records' });
  const recording = recorder.submit(record, records);

  const state = { ready: true, underWay: 0 };
  const service = await listen(port, (request, response) => answer(request, response, pool, records, state));
  // On a port of its own, which is open to the end: who drains is alive, though not ready.
  const probe = await listen(probes, (request, response) => {
    response.statusCode = request.url === '/ready' && !state.ready ? 503 : 200;
    response.end(`${state.underWay} under way\n`);
  });
  console.log(`serving on ${addressOf(service)}, probes on ${addressOf(probe)}`);

  try {
    // If the recorder dies there is nothing to go on with: its error ends the program.
    const signal = await race([() => untilSignal(), () => recording]);
    console.log(`stopping after ${signal}`);
    state.ready = false;
    await sleep(linger); // requests are still sent here, and served
    await withTimeout(drain, async () => {
      await until(closed(service)); // no more requests, and those under way are answered: nobody puts any more
      records.shutdown();
      console.log(`recorded: ${await recording}`); // what was queued is not lost
      await until(pool.shutdown()); // jobs that no request waits for
    });
    console.log('drained');
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.error(`Gave up after ${drain} ms: requests ${state.underWay}, records ${records.size}`);
    process.exitCode = 1;
  } finally {
    for (const server of [service, probe]) {
      server.close();
      server.closeAllConnections();
    }
  } // run() ends what is left of the pool and of the thread
}

/** A request: a number comes in, how many primes are below it goes out, and a record of that is kept. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pool: Executor,
  records: Queue<string>,
  state: { underWay: number },
): Promise<void> {
  state.underWay++;
  try {
    const limit = Number(await text(request));
    const primes = await pool.submit(countPrimes, limit);
    await records.put(`${primes} primes below ${limit}`);
    response.end(`${primes}\n`);
  } catch (error) {
    response.statusCode = 500;
    response.end(`${(error as Error).message}\n`);
  } finally {
    state.underWay--;
  }
}

/** In a thread of its own: stands for what takes its time. Gives how many there were when the queue is shut down and empty. */
async function record(records: Queue<string>): Promise<number> {
  let count = 0;
  for await (const entry of records) {
    await new Promise((resolve) => setTimeout(resolve, 1)); // writes it to a database
    if (entry !== '') count++;
  }
  return count;
}

/** Its requests belong to no task, so that they are not cancelled with the one that runs. */
async function listen(
  port: number,
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<Server> {
  return await outside(async () => {
    const server = createServer(handle).listen(port, '127.0.0.1'); // '0.0.0.0' in a container
    await once(server, 'listening');
    return server;
  });
}

/** Resolves when the last request has been answered. Connections without one are closed at once. */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    probes: { type: 'string', default: '0' },
    linger: { type: 'string', default: '5000' },
    drain: { type: 'string', default: '15000' },
  },
});
const settings: Settings = {
  port: Number(values.port),
  probes: Number(values.probes),
  linger: Number(values.linger),
  drain: Number(values.drain),
};
// 5 s + 15 s + 5 s: below the 30 s of terminationGracePeriodSeconds, after which comes SIGKILL.
await run(() => main(settings), { shutdownTimeout: 5_000 });
