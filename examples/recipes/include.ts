/**
 * A template engine is synchronous, and asks for its partials by a callback; they have to be fetched. The page is rendered in a
 * thread, which blocks for each partial. The main loop goes on: it even serves the partials.
 *
 *     npm exec -- node examples/recipes/include.ts
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isMainThread, outside, portable, run, ThreadPoolExecutor, toThreadSync } from 'heddle';

const PARTIALS: Readonly<Record<string, string>> = {
  page: '{{> header}}Hello, {{ name }}!{{> footer}}',
  header: '[{{> logo}}] ',
  logo: 'heddle',
  footer: ' [{{> logo}}, {{ year }}]',
};

/** Stands for the library: `include` must give the text, not a promise. */
function renderTemplate(
  template: string,
  values: Readonly<Record<string, string>>,
  include: (name: string) => string,
): string {
  return template
    .replaceAll(/\{\{> (\w+)\}\}/g, (_, name: string) => renderTemplate(include(name), values, include))
    .replaceAll(/\{\{ (\w+) \}\}/g, (_, name: string) => values[name] ?? '');
}

// Threads find these by this module, which they import: hence the guard at its end.
const { load, render } = portable(import.meta, {
  /** On a helper loop, which serves the thread that blocks. */
  async load(origin: string, name: string): Promise<string> {
    const response = await fetch(`${origin}/${name}`, { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`Cannot include "${name}": ${response.status}`);
    return await response.text();
  },

  /** In a thread of the pool. A partial is fetched once for a page, however often it stands there. */
  render(origin: string, name: string, values: Readonly<Record<string, string>>): string {
    const partials = new Map<string, string>();
    const include = (partial: string): string => {
      const text = partials.get(partial) ?? toThreadSync(load, origin, partial);
      partials.set(partial, text);
      return text;
    };
    return renderTemplate(include(name), values, include);
  },
});

async function main(): Promise<void> {
  const server = await startServer();
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await using pool = new ThreadPoolExecutor({ threads: 2, name: 'pages' });
    const names = ['Ada', 'Grace'];
    const pages = names.map((name) => pool.submit(render, origin, 'page', { name, year: '1843' }));
    for (const page of pages) console.log(await page);
    const error = await pool.submit(render, origin, 'sidebar', {}).error();
    console.log((error as Error).message); // as if `include` itself had thrown it
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Serves the partials, on this loop. Its handlers belong to no task, so it starts outside the one that runs. */
async function startServer(): Promise<Server> {
  return await outside(async () => {
    const server = createServer((request, response) => {
      const partial = PARTIALS[(request.url ?? '/').slice(1)];
      response.statusCode = partial === undefined ? 404 : 200;
      response.end(partial);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  });
}

if (isMainThread) await run(main);
