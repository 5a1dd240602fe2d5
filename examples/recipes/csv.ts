/**
 * Turns a large CSV file into one JSON object per line: reads it as a stream, parses it in threads, writes the results in order.
 * However large the file is, only so many pieces of it are in memory.
 *
 *     npm exec -- node examples/recipes/csv.ts --rows 1000000                          # of a file that it makes
 *     npm exec -- node examples/recipes/csv.ts --input orders.csv --output orders.ndjson
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { isMainThread, portable, run, ThreadPoolExecutor } from 'heddle';

const QUOTE = 0x22;
const LINE_END = 0x0a;

interface Parsed {
  readonly rows: number;
  readonly json: Uint8Array;
}

// Threads find this by this module, which they import: hence the guard at its end.
const parse = portable(import.meta, function parse(piece: Uint8Array, columns: readonly string[]): Parsed {
  const records = recordsOf(new TextDecoder().decode(piece));
  const lines = records.map(
    (fields) =>
      `${JSON.stringify(Object.fromEntries(columns.map((column, at) => [column, fields[at] ?? ''])))}\n`,
  );
  return { rows: lines.length, json: new TextEncoder().encode(lines.join('')) };
});

/** The fields of each record. A field in quotes may have commas, line ends and doubled quotes in it. */
function recordsOf(csv: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  const fields = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/y;
  while (fields.lastIndex < csv.length) {
    const from = fields.lastIndex;
    const match = fields.exec(csv);
    if (match === null) throw new SyntaxError(`Cannot read "${csv.slice(from, from + 40)}" as CSV`);
    const [, field = '', end] = match;
    record.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    if (end === ',' && fields.lastIndex < csv.length) continue;
    if (end === ',') record.push('');
    records.push(record);
    record = [];
  }
  return records;
}

/** The file in pieces of whole records, of some `size` bytes each. Bytes: a letter of two is never cut in half. */
async function* piecesOf(file: string, size: number): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const bytes of createReadStream(file, { highWaterMark: size })) {
    const piece = Buffer.concat([rest, bytes as Uint8Array]);
    const end = endOfRecords(piece);
    if (end > 0) yield piece.subarray(0, end);
    rest = piece.subarray(end);
  }
  if (rest.length > 0) yield rest;
}

/** Where the last whole record ends; 0 if none does. A line end within quotes ends none. */
function endOfRecords(bytes: Uint8Array): number {
  let end = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) quoted = !quoted;
    else if (bytes[at] === LINE_END && !quoted) end = at + 1;
  }
  return end;
}

interface Job {
  readonly input: string;
  readonly output: string;
  readonly columns: readonly string[];
  /** Bytes of a piece. */
  readonly size: number;
  /** How many pieces are in threads, or waiting for the one before them to be written. */
  readonly buffer: number;
}

async function convert({ input, output, columns, size, buffer }: Job): Promise<void> {
  const pool = new ThreadPoolExecutor();
  let rows = 0;
  let inMemory = 0;
  let most = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of piecesOf(input, size)) {
      most = Math.max(most, ++inMemory);
      yield piece;
    }
  }
  async function* parsed(): AsyncGenerator<Uint8Array> {
    // Reads on only when a result has been taken out, and a result is taken out only when the one before is written.
    for await (const piece of pool.map(parse, counted(), { args: [columns], buffer })) {
      rows += piece.rows;
      yield piece.json;
      inMemory--;
    }
  }
  await pipeline(parsed, createWriteStream(output));
  console.log(`rows: ${rows}, at most ${most} pieces in memory, ${buffer} and the one being written allowed`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '200000' },
      input: { type: 'string' },
      output: { type: 'string' },
      size: { type: 'string', default: '262144' },
      buffer: { type: 'string', default: '8' },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), 'heddle-csv-'));
  try {
    const input = values.input ?? join(folder, 'orders.csv');
    if (values.input === undefined) await writeFile(input, orders(Number(values.rows)));
    const output = values.output ?? join(folder, 'orders.ndjson');
    const columns = ['id', 'customer', 'amount'];
    await convert({ input, output, columns, size: Number(values.size), buffer: Number(values.buffer) });
    const [before, after] = await Promise.all([stat(input), stat(output)]);
    console.log(`bytes: ${before.size} read, ${after.size} written`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A file to try it with, a thousand lines at a time. */
function* orders(rows: number): Generator<string> {
  const customers = ['Ada', 'Grace, née Murray', 'Joan'];
  let lines = '';
  for (let id = 1; id <= rows; id++) {
    lines += `${id},"${customers[id % 3]}",${(id * 7) % 1000}\n`;
    if (id % 1000 !== 0 && id < rows) continue;
    yield lines;
    lines = '';
  }
}

if (isMainThread) await run(main);
