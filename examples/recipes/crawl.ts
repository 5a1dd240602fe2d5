/**
 * Crawls a small site from two loops in two threads. Together they have at most so many requests under way, and begin at most
 * so many a second: both limits are one object, for all threads.
 *
 *     npm exec -- node examples/recipes/crawl.ts --pages 60 --at-once 3 --per-second 500
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { CapacityLimiter, EventLoopPool, outside, Queue, run, Semaphore, sleep, TaskGroup } from 'heddle';

interface Page {
  readonly path: string;
  readonly links: readonly string[];
  /** Why there are none. */
  readonly failure?: string;
}

interface Crawl {
  readonly origin: string;
  /** Pages to be fetched. */
  readonly frontier: Queue<string>;
  readonly found: Queue<Page>;
  /** Requests under way. */
  readonly limiter: CapacityLimiter;
  /** Requests that may begin: a permit is taken for good by each, and there are new ones as time goes by. */
  readonly rate: Semaphore;
}

/** One of the crawlers, on the loop of a thread. Ends when the frontier is shut down. */
async function crawl({ origin, frontier, found, limiter, rate }: Crawl): Promise<number> {
  let fetched = 0;
  for await (const path of frontier) {
    await rate.take();
    try {
      const body = await limiter.run(async () => {
        const response = await fetch(origin + path, { signal: AbortSignal.timeout(10_000) });
        return await response.text();
      });
      await found.put({
        path,
        links: Array.from(body.matchAll(/href="([^"]+)"/g), ([, link]) => link as string),
      });
    } catch (error) {
      await found.put({ path, links: [], failure: (error as Error).message });
    }
    fetched++;
  }
  return fetched;
}

/** Gives every page to the crawlers once, and ends when all that was found has been fetched. */
async function follow({ frontier, found }: Crawl): Promise<Set<string>> {
  const seen = new Set(['/0']);
  let open = 1;
  await frontier.put('/0');
  for await (const { path, links, failure } of found) {
    if (failure !== undefined) console.error(`Cannot fetch ${path}: ${failure}`);
    for (const link of links) {
      if (seen.has(link)) continue;
      seen.add(link);
      open++;
      await frontier.put(link);
    }
    if (--open === 0) break;
  }
  frontier.shutdown();
  return seen;
}

async function main(pages: number, atOnce: number, perSecond: number): Promise<void> {
  const statistics = { requests: 0, underWay: 0, most: 0 };
  const server = await startServer(pages, statistics);
  try {
    const loops = await EventLoopPool.start({ loops: 2 });
    const crawling: Crawl = {
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      frontier: new Queue(), // not bounded: `seen` has them all anyway, and who waited to put would take no results
      found: new Queue({ capacity: 100 }),
      limiter: new CapacityLimiter(atOnce),
      rate: new Semaphore(1, { max: atOnce }),
    };
    const seen = await TaskGroup.run(async (group) => {
      const refilling = group.spawn(async () => {
        for (;;) {
          await sleep(1000 / perSecond);
          // What nobody takes is not saved up, but for a few.
          if (crawling.rate.value < atOnce) crawling.rate.release();
        }
      });
      // As tasks: if one of them fails, its thread having died say, the rest is cancelled.
      const crawlers = Array.from({ length: 8 }, () => group.spawn(() => loops.submit(crawl, crawling)));
      const seen = await follow(crawling);
      const fetched = await Promise.all(crawlers);
      refilling.cancel();
      console.log(`fetched: ${fetched.reduce((sum, n) => sum + n)} by ${fetched.length} crawlers`);
      return seen;
    });
    console.log(`pages: ${seen.size}, requests: ${statistics.requests}`);
    console.log(`within the limit: ${statistics.most <= atOnce}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** A site on which page n links to 2n + 1 and 2n + 2, and home. Starts outside the task that runs, as all servers. */
async function startServer(
  pages: number,
  statistics: { requests: number; underWay: number; most: number },
): Promise<Server> {
  return await outside(async () => {
    const server = createServer((request, response) => {
      statistics.requests++;
      statistics.most = Math.max(statistics.most, ++statistics.underWay);
      const page = Number((request.url ?? '/').slice(1));
      const links = [0, 2 * page + 1, 2 * page + 2].filter((link) => link < pages);
      setTimeout(() => {
        statistics.underWay--;
        response.end(links.map((link) => `<a href="/${link}">${link}</a>`).join('\n'));
      }, 2);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  });
}

const { values } = parseArgs({
  options: {
    pages: { type: 'string', default: '60' },
    'at-once': { type: 'string', default: '3' },
    'per-second': { type: 'string', default: '500' },
  },
});
await run(() => main(Number(values.pages), Number(values['at-once']), Number(values['per-second'])));
