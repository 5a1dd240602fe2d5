/**
 * Fetches pages from a small local server and counts their words in threads, all in one task group: what is fetched
 * feeds a thread at once, while the other pages are still on their way.
 *
 *     npm exec -- node examples/mixed.ts
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { outside, run, TaskGroup, toThread } from 'heddle';

const PAGES = ['warp', 'weft', 'shed', 'shuttle'];

async function main(): Promise<void> {
  const server = await startServer();
  try {
    const { port } = server.address() as AddressInfo;
    await TaskGroup.run(async (group) => {
      const counts = PAGES.map((page) =>
        group.spawn((signal) => countWordsOf(`http://127.0.0.1:${port}/${page}`, signal)),
      );
      for (const [index, page] of PAGES.entries()) console.log(`${page}: ${await counts[index]} words`);
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Waiting for the network needs no thread; the computation after it does. */
async function countWordsOf(url: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(url, { signal });
  const text = await response.text();
  return await toThread((words: string) => new Set(words.toLowerCase().match(/\w+/g)).size, text);
}

/** Pages of made-up words. Its handlers belong to no task, so it starts outside the one that runs. */
async function startServer(): Promise<Server> {
  return await outside(async () => {
    const server = createServer((request, response) => {
      const page = (request.url ?? '/').slice(1);
      const words = Array.from({ length: 100_000 }, (_, n) => `${page}${(n * n) % (page.length * 1000)}`);
      response.end(words.join(' '));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  });
}

await run(main);
