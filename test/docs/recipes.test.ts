/** Runs each program of `examples/recipes`, the servers with a client. Nothing here waits for the clock: only for what is to be seen. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Ended, program } from './program.ts';
import { root } from './snippets.ts';

const LIMIT_MS = 60_000;

function recipe(file: string, ...args: readonly string[]): Promise<Ended> {
  return program([join(root, 'examples/recipes', file), ...args], { timeout: LIMIT_MS });
}

/** A program that serves until it is told to stop. */
interface Serving {
  /** The addresses that its first line has. */
  readonly addresses: readonly string[];
  stop(): void;
  /** Resolves when its output has `words` in it. */
  says(words: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

async function serve(file: string, ...args: readonly string[]): Promise<Serving> {
  let said = '';
  let signal: (name: NodeJS.Signals) => void = () => {};
  const listeners: (() => void)[] = [];
  const ended = program([join(root, 'examples/recipes', file), ...args], {
    timeout: LIMIT_MS,
    onOutput: (out, kill) => {
      said = out;
      signal = kill;
      for (const listener of listeners.splice(0)) listener();
    },
  });
  onTestFinished(() => signal('SIGKILL')); // if the test failed; it is gone already if not
  const says = async (words: string): Promise<void> => {
    const heard = (async () => {
      while (!said.includes(words)) await new Promise<void>((resolve) => listeners.push(resolve));
    })();
    const early = ended.then(({ out, err }) => {
      if (!out.includes(words)) throw new Error(`It ended without saying "${words}":\n${out}${err}`);
    });
    await Promise.race([heard, early]);
  };
  await says('\n');
  return { addresses: said.match(/http:\/\/[\w.:]+/g) ?? [], stop: () => signal('SIGTERM'), says, ended };
}

interface Reply {
  readonly status: number | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

interface Sent {
  readonly reply: Promise<Reply>;
  /** Sends the head alone. */
  flush(): void;
  /** Sends the body. */
  end(body?: string): void;
  /** The client goes away. */
  abort(): void;
}

/** A request on a connection of its own, which is closed after it. */
function send(method: string, url: string, headers: NodeJS.Dict<string> = {}): Sent {
  const sent = request(url, { method, agent: new Agent(), headers });
  const reply = new Promise<Reply>((resolve, reject) => {
    sent.on('error', reject).on('response', (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode, headers: response.headers, body }),
        reject,
      );
    });
  });
  reply.catch(() => {});
  return {
    reply,
    flush: () => sent.flushHeaders(),
    end: (body) => sent.end(body),
    abort: () => sent.destroy(),
  };
}

async function get(url: string): Promise<Reply> {
  const sent = send('GET', url);
  sent.end();
  return await sent.reply;
}

/** Looks again and again, until it is so. The time limit of the test is the only one. */
async function eventually(look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await new Promise((resolve) => setImmediate(resolve));
}

describe('recipes/fastify.ts', { timeout: LIMIT_MS }, () => {
  const ENDLESS = 1e15;

  const primes = (address: string, limit: number): Sent => {
    const sent = send('POST', `${address}/primes`, { 'content-type': 'application/json' });
    sent.end(JSON.stringify({ limit }));
    return sent;
  };
  const shows = (address: string, expected: Readonly<Record<string, number>>): Promise<void> =>
    eventually(async () => {
      const status = JSON.parse((await get(`${address}/status`)).body) as Record<string, number>;
      return Object.entries(expected).every(([key, value]) => status[key] === value);
    });

  test('answers 503 when the pool is full, and frees what clients that go away had asked for', async () => {
    const { addresses, stop, ended } = await serve('fastify.ts', '--timeout', '3600000');
    const [address = ''] = addresses;
    const running = primes(address, ENDLESS);
    await shows(address, { running: 1 });
    const waiting = primes(address, ENDLESS);
    await shows(address, { running: 1, queued: 1 });

    const refused = await primes(address, 10).reply;
    expect(refused).toMatchObject({ status: 503, body: '{"error":"too much to do"}' });
    expect(refused.headers['retry-after']).toBe('1');

    waiting.abort();
    await shows(address, { running: 1, queued: 0, cancelled: 1 });
    running.abort();
    await shows(address, { running: 0, abandoned: 0, cancelled: 2 });
    expect(await primes(address, 100).reply).toMatchObject({ status: 200, body: '{"primes":25}' });
    stop();
    const { code, out, err } = await ended;
    expect(err).toBe('');
    expect(out.match(/request \S+ given up: the client is gone/g)).toHaveLength(2);
    expect(code).toBe(0);
  });

  test('answers 503 when the time is over, and the thread is free again', async () => {
    const { addresses, stop, ended } = await serve('fastify.ts', '--timeout', '100');
    const [address = ''] = addresses;
    expect(await primes(address, ENDLESS).reply).toMatchObject({
      status: 503,
      body: '{"error":"took too long"}',
    });
    await shows(address, { running: 0, abandoned: 0 });
    expect(await primes(address, -1).reply).toMatchObject({ status: 400 });
    stop();
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });
});

describe('recipes/kubernetes.ts', { timeout: LIMIT_MS }, () => {
  test('on SIGTERM is not ready, takes no more, answers what is under way, and loses no record', async () => {
    const { addresses, stop, says, ended } = await serve('kubernetes.ts', '--linger', '0');
    const [service = '', probes = ''] = addresses;
    expect(await get(`${probes}/ready`)).toMatchObject({ status: 200 });
    for (let n = 0; n < 20; n++) {
      const sent = send('POST', service);
      sent.end('100');
      expect(await sent.reply).toMatchObject({ status: 200, body: '25\n' });
    }
    const slow = send('POST', service, { 'transfer-encoding': 'chunked' });
    await begun(slow, probes);

    stop();
    await says('stopping after SIGTERM');
    expect(await get(`${probes}/ready`)).toMatchObject({ status: 503, body: '1 under way\n' });
    expect(await get(`${probes}/live`)).toMatchObject({ status: 200 });
    await eventually(() =>
      get(service).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
      ),
    );

    slow.end('1000');
    expect(await slow.reply).toMatchObject({ status: 200, body: '168\n' });
    const { code, out, err } = await ended;
    expect(err).toBe('');
    expect(out).toMatch(/\nstopping after SIGTERM\nrecorded: \d+\ndrained\n$/);
    expect(Number(/recorded: (\d+)/.exec(out)?.[1])).toBeGreaterThanOrEqual(21);
    expect(code).toBe(0);
  });

  test('gives up what has not ended in time, says so, and ends with 1', async () => {
    const { addresses, stop, ended } = await serve('kubernetes.ts', '--linger', '0', '--drain', '50');
    const [service = '', probes = ''] = addresses;
    const never = send('POST', service, { 'transfer-encoding': 'chunked' });
    await begun(never, probes);
    stop();
    const { code, err } = await ended;
    expect(err).toBe('Gave up after 50 ms: requests 1, records 0\n');
    expect(code).toBe(1);
    await expect(never.reply).rejects.toThrow();
  });
});

/** Sends the head of a request, and waits until the service has it. */
async function begun(sent: Sent, probes: string): Promise<void> {
  sent.flush();
  await eventually(async () => (await get(`${probes}/live`)).body === '1 under way\n');
}

describe('recipes/csv.ts', { timeout: LIMIT_MS }, () => {
  test('keeps no more of the file in memory than it was told to', async () => {
    const { code, out, err } = await recipe('csv.ts', '--rows', '20000', '--size', '4096', '--buffer', '5');
    expect(err).toBe('');
    const [, rows, most] = /^rows: (\d+), at most (\d+) pieces in memory/.exec(out) ?? [];
    expect(Number(rows)).toBe(20_000);
    expect(Number(most)).toBeLessThanOrEqual(6);
    expect(code).toBe(0);
  });

  test('keeps the order, and cuts neither letters nor quoted lines, wherever the pieces end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-recipe-'));
    try {
      const [input, output] = [join(folder, 'in.csv'), join(folder, 'out.ndjson')];
      const ids = Array.from({ length: 200 }, (_, n) => String(n));
      const last = '"the last, ""quoted"""';
      writeFileSync(
        input,
        `${ids.map((id) => `${id},"née\n${id}, ""x""",€ ${id}\r\n`).join('')}end,${last},`,
      );
      for (const size of ['17', '4096']) {
        const files = ['--input', input, '--output', output, '--size', size];
        expect(await recipe('csv.ts', ...files)).toMatchObject({ code: 0, err: '' });
        const lines = readFileSync(output, 'utf8').trimEnd().split('\n');
        expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
          ...ids.map((id) => ({ id, customer: `née\n${id}, "x"`, amount: `€ ${id}` })),
          { id: 'end', customer: 'the last, "quoted"', amount: '' },
        ]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('recipes/sqlite.ts', { timeout: LIMIT_MS }, () => {
  test('owns the database in one thread, for all that call', async () => {
    const { code, out, err } = await recipe('sqlite.ts');
    expect(err).toBe('');
    expect(out).toBe(
      'from threads: 5050, 5050, 5050\nfrom here: 5100\nTypeError; nothing of it is there: 5100\ndatabase closed\n',
    );
    expect(code).toBe(0);
  });

  test('says so where there is no node:sqlite', async () => {
    const file = join(root, 'examples/recipes/sqlite.ts');
    const { code, err } = await program(['--no-experimental-sqlite', file], { timeout: LIMIT_MS });
    expect(err).toBe('Cannot open a database: this Node has no node:sqlite. Node 22.13 and later have it\n');
    expect(code).toBe(1);
  });
});

test(
  'recipes/include.ts renders in threads, which block for what the main loop serves',
  async () => {
    const { code, out, err } = await recipe('include.ts');
    expect(err).toBe('');
    expect(out).toBe(
      '[heddle] Hello, Ada! [heddle, 1843]\n[heddle] Hello, Grace! [heddle, 1843]\nCannot include "sidebar": 404\n',
    );
    expect(code).toBe(0);
  },
  LIMIT_MS,
);

describe('recipes/progress.ts', { timeout: LIMIT_MS }, () => {
  test('shows rising numbers, and the last one before the result', async () => {
    const { code, out, err } = await recipe('progress.ts', '--blocks', '2000');
    expect(err).toBe('');
    expect(out).toMatch(/^2000 of 2000 blocks: [\da-f]{8}\nshown: \d+, rising: true\n$/);
    expect(code).toBe(0);
  });

  test('shows the newest alone when the loop was busy', async () => {
    const { out, err } = await recipe('progress.ts', '--blocks', '2000', '--busy');
    expect(err).toBe('');
    expect(out).toMatch(/^2000 of 2000 blocks: [\da-f]{8}\nshown: 1, rising: true\n$/);
  });
});

test(
  'recipes/upload.ts takes bodies through a thread whole, and clears up after clients that go away',
  async () => {
    const { code, out, err } = await recipe('upload.ts', '--megabytes', '24');
    expect(err).toBe('');
    expect(out).toBe(
      'stored: 24 MB, whole: true\nread back, whole: true\nPUT: ECONNRESET\nGET: ERR_STREAM_PREMATURE_CLOSE\nfiles: whole.gz\n',
    );
    expect(code).toBe(0);
  },
  LIMIT_MS,
);

describe('recipes/trace.ts', { timeout: LIMIT_MS }, () => {
  const BELOW = [
    '  chart of 4, in pages, for mill 7',
    '  chart of 5, in pages, for mill 7',
    '  record, in records, for mill 7',
    '  render, in pages, for mill 7',
    '    chart of 2, in pages, for mill 7',
    '    chart of 3, in pages, for mill 7',
    'traces: 1\n',
  ].join('\n');

  test('has the spans of all threads in one trace, each below the one that submitted it', async () => {
    const { code, out, err } = await recipe('trace.ts');
    expect(err).toBe('');
    expect(out).toBe(`request, child of nobody\n${BELOW}`);
    expect(code).toBe(0);
  });

  test('goes on with a trace that came with a request', async () => {
    const { out, err } = await recipe(
      'trace.ts',
      '--traceparent',
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    );
    expect(err).toBe('');
    expect(out).toBe(`request, child of b7ad6b7169203331 of another process\n${BELOW}`);
  });
});

test(
  'recipes/tables.ts finds all keys and loses no count',
  async () => {
    const { code, out, err } = await recipe('tables.ts', '--words', '2000', '--threads', '3');
    expect(err).toBe('');
    expect(out).toBe('found: 4000, sum: 3998000, missing: 2000\neach twice: true\nlow: 200, high: 3800\n');
    expect(code).toBe(0);
  },
  LIMIT_MS,
);

test(
  'recipes/crawl.ts fetches every page once, never more at once than allowed',
  async () => {
    const { code, out, err } = await recipe('crawl.ts', '--pages', '40', '--at-once', '3');
    expect(err).toBe('');
    expect(out).toBe('fetched: 40 by 8 crawlers\npages: 40, requests: 40\nwithin the limit: true\n');
    expect(code).toBe(0);
  },
  LIMIT_MS,
);
