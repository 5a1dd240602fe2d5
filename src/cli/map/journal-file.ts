/**
 * A file of records that only ever grows, and that tells a record cut off by a crash from one that was damaged.
 *
 * Each line is `<checksum> <json>`. The checksum covers the line's text and the checksum before it, so a record that
 * was changed, removed or moved is noticed. Only the last line may be incomplete: that is what a crash leaves behind,
 * and it is dropped.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError, systemReason } from '../cli-error.ts';
import { syncFolder } from './output.ts';

const DIGITS = 16;
const START = '0'.repeat(DIGITS);

export class JournalFile {
  readonly path: string;
  /** The records found when it was opened. */
  readonly records: readonly unknown[];
  readonly #file: FileHandle;
  #sum: string;
  #length: number;

  private constructor(path: string, file: FileHandle, content: Content) {
    this.path = path;
    this.records = content.records;
    this.#file = file;
    this.#sum = content.sum;
    this.#length = content.length;
  }

  /** Opens a journal, or makes an empty one. `isOurs` tells from the first record whether the file is one at all. */
  static async open(path: string, isOurs: (first: unknown) => boolean): Promise<JournalFile> {
    let file: FileHandle | undefined;
    try {
      // Not 'a': appends must go behind the last whole record, not behind what a crash left of one.
      file = await open(path, 'r+').catch(async (error: { code?: string }) => {
        if (error.code !== 'ENOENT') throw error;
        return await open(path, 'wx+');
      });
      const content = readRecords(path, await file.readFile(), isOurs);
      await file.truncate(content.length);
      await syncFolder(dirname(path));
      return new JournalFile(path, file, content);
    } catch (error) {
      await file?.close();
      if (error instanceof CliError) throw error;
      throw new CliError(`Cannot open journal '${path}': ${systemReason(error)}`, { cause: error });
    }
  }

  /** Appends a record; it is on the disk when this resolves. On failure the journal stays as it was. */
  async append(record: unknown): Promise<void> {
    const json = JSON.stringify(record);
    const sum = checksum(this.#sum, json);
    const line = Buffer.from(`${sum} ${json}\n`);
    try {
      let at = 0;
      while (at < line.length)
        at += (await this.#file.write(line, at, line.length - at, this.#length + at)).bytesWritten;
      await this.#file.datasync();
    } catch (error) {
      await this.#file.truncate(this.#length).catch(() => {});
      throw new CliError(`Cannot write journal '${this.path}': ${systemReason(error)}`, { cause: error });
    }
    this.#sum = sum;
    this.#length += line.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

interface Content {
  readonly records: readonly unknown[];
  readonly sum: string;
  /** The bytes of the whole records. */
  readonly length: number;
}

function readRecords(path: string, bytes: Buffer, isOurs: (first: unknown) => boolean): Content {
  const records: unknown[] = [];
  let [sum, length] = [START, 0];
  for (;;) {
    const end = bytes.indexOf(0x0a, length);
    if (end < 0) break;
    const line = bytes.toString('utf8', length, end);
    const record = readRecord(line, sum);
    if (record === undefined || (records.length === 0 && !isOurs(record.value))) {
      // A power cut can leave the last line with its end but without all of its middle.
      if (records.length > 0 && end === bytes.length - 1) break;
      throw damaged(path, records.length);
    }
    records.push(record.value);
    sum = line.slice(0, DIGITS);
    length = end + 1;
  }
  const torn = bytes.subarray(length);
  if (records.length === 0 && torn.length > 0 && !looksTorn(torn)) throw damaged(path, 0);
  return { records, sum, length };
}

function readRecord(line: string, before: string): { readonly value: unknown } | undefined {
  const json = line.slice(DIGITS + 1);
  if (line[DIGITS] !== ' ' || line.slice(0, DIGITS) !== checksum(before, json)) return undefined;
  return { value: JSON.parse(json) as unknown };
}

/** Whether a file without one whole line can be the start of a journal: else it is somebody's other file. */
function looksTorn(bytes: Buffer): boolean {
  return (
    /^(\0+|[0-9a-f]{0,16}|[0-9a-f]{16} (\{.*)?)$/s.test(bytes.toString('utf8')) && bytes.length < 100_000
  );
}

function damaged(path: string, records: number): CliError {
  const what = records === 0 ? 'it is not a journal of heddle' : `it is damaged behind record ${records}`;
  const todo =
    records === 0 ? 'Name another file' : 'Restore it, or delete it together with the output to begin again';
  return new CliError(`Cannot use journal '${path}': ${what}. ${todo}`);
}

function checksum(before: string, json: string): string {
  return createHash('sha256').update(before).update(json).digest('hex').slice(0, DIGITS);
}
