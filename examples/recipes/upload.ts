/**
 * Bodies that do not fit into memory, through a thread: an upload is hashed, packed and written there, a download read and
 * unpacked. The sockets stay here, for they cannot be sent; what they give crosses piece by piece, no faster than it is taken.
 *
 *     npm exec -- node examples/recipes/upload.ts --megabytes 500
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline as connect } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGunzip, createGzip } from 'node:zlib';
import { isMainThread, outside, portable, Queue, run, ThreadPoolExecutor } from 'heddle';

interface Stored {
  readonly bytes: number;
  readonly sha256: string;
}

// Threads find these by this module, which they import: hence the guard at its end.
const { load, store } = portable(import.meta, {
  /** Lasts as long as the upload: so do its time-out, its signal, and its place in the pool. */
  async store(body: AsyncIterable<Uint8Array>, file: string): Promise<Stored> {
    const hash = createHash('sha256');
    let bytes = 0;
    const hashed = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of body) {
        hash.update(piece);
        bytes += piece.length;
        yield piece;
      }
    };
    try {
      await pipeline(hashed, createGzip({ level: 1 }), createWriteStream(file));
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
    return { bytes, sha256: hash.digest('hex') };
  },

  /** Ends at once; what it gave is read on from its thread, between the other jobs there. */
  async *load(file: string): AsyncGenerator<Uint8Array> {
    yield* connect(createReadStream(file), createGunzip(), () => {}); // who reads gets the error
  },
});

/** PUT stores a body, GET gives it back. What fails is told, for here its client has gone. */
async function serve(pool: ThreadPoolExecutor, folder: string, failures: Queue<string>): Promise<Server> {
  const server = createServer(async (incoming, response) => {
    const file = join(folder, `${incoming.url!.slice(1)}.gz`);
    try {
      if (incoming.method === 'PUT')
        response.end(JSON.stringify(await pool.submit(store, incoming as AsyncIterable<Uint8Array>, file)));
      else await pipeline(await pool.submit(load, file), response);
    } catch (error) {
      response.destroy();
      await failures.put(`${incoming.method}: ${(error as NodeJS.ErrnoException).code}`);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

/** Some data, and what is known of it. */
class Data {
  readonly #hash = createHash('sha256');

  async *pieces(megabytes: number): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < megabytes; n++) {
      const piece = Buffer.alloc(2 ** 20, randomBytes(2 ** 12));
      this.#hash.update(piece);
      yield piece;
    }
  }

  sha256(): string {
    return this.#hash.digest('hex');
  }
}

async function main(megabytes: number): Promise<void> {
  const pool = new ThreadPoolExecutor({ threads: 2 });
  const folder = await mkdtemp(join(tmpdir(), 'heddle-upload-'));
  const failures = new Queue<string>();
  const server = await outside(() => serve(pool, folder, failures));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const put = async (name: string, pieces: AsyncIterable<Uint8Array>, signal?: AbortSignal) => {
    const sent = request(`${origin}/${name}`, { method: 'PUT' });
    const [[response]] = await Promise.all([once(sent, 'response'), pipeline(pieces, sent, { signal })]);
    return JSON.parse(await text(response as IncomingMessage)) as Stored;
  };
  try {
    const upload = new Data();
    const { bytes, sha256 } = await put('whole', upload.pieces(megabytes));
    console.log(`stored: ${bytes / 2 ** 20} MB, whole: ${sha256 === upload.sha256()}`);

    const hash = createHash('sha256');
    for await (const piece of (await fetch(`${origin}/whole`)).body!) hash.update(piece);
    console.log(`read back, whole: ${hash.digest('hex') === sha256}`);

    // Clients that go away: in the middle of an upload …
    const gone = new AbortController();
    const arrived = once(server, 'request');
    const cut = put('cut', new Data().pieces(Infinity), gone.signal).catch(() => {});
    await arrived;
    gone.abort();
    await cut;
    console.log(await failures.get());
    // … and of a download.
    await (await fetch(`${origin}/whole`)).body!.cancel();
    console.log(await failures.get());
    console.log(`files: ${await readdir(folder)}`);
  } finally {
    server.close();
    server.closeAllConnections();
    await pool.shutdown();
    await rm(folder, { recursive: true });
  }
}

if (isMainThread) {
  const { values } = parseArgs({ options: { megabytes: { type: 'string', default: '100' } } });
  await run(() => main(Number(values.megabytes)));
}
