/**
 * What a run has done, so that the same command can go on after a crash.
 *
 * The first record says which command it belongs to. Then come records of progress, each written after the output
 * it speaks of is on the disk: which items are done, with a digest of their input, and how long the output is. What
 * was written behind the last record is cut off and done again; so nothing is lost, and nothing comes twice.
 */
import { createHash, type Hash } from 'node:crypto';
import { CliError } from '../cli-error.ts';
import { JournalFile } from './journal-file.ts';
import { type JournalLock, lockJournal } from './journal-lock.ts';
import type { OutputState } from './output.ts';

/** Everything that decides what a command's output is, by the words in which a difference is told. */
export type CommandIdentity = Readonly<Record<string, unknown>>;

/** Items that are done: `count` from `first` on, and a digest of their bytes. */
export interface DoneRange {
  readonly first: number;
  readonly count: number;
  readonly digest: string;
}

interface ProgressRecord {
  readonly done: readonly (readonly [first: number, count: number, digest: string])[];
  readonly failed: number;
  readonly output?: OutputState;
  readonly complete?: boolean;
}

const VERSION = 1;

export class Journal {
  readonly #file: JournalFile;
  readonly #lock: JournalLock;
  /** What was done before, in order of items, without gaps inside a range. */
  readonly done: readonly DoneRange[];
  readonly output: OutputState | undefined;
  readonly complete: boolean;
  #failed: number;
  #pending: { first: number; count: number; hash: Hash }[] = [];

  private constructor(file: JournalFile, lock: JournalLock) {
    this.#file = file;
    this.#lock = lock;
    const records = file.records.slice(1) as ProgressRecord[];
    this.done = records
      .flatMap((record) => record.done)
      .map(([first, count, digest]) => ({ first, count, digest }))
      .sort((a, b) => a.first - b.first);
    const last = records.at(-1);
    this.output = last?.output;
    this.complete = last?.complete ?? false;
    this.#failed = last?.failed ?? 0;
  }

  /** Opens the journal of `command`, or begins one. Refuses the journal of another command, saying what differs. */
  static async open(path: string, command: CommandIdentity): Promise<Journal> {
    const lock = await lockJournal(path);
    let file: JournalFile | undefined;
    try {
      file = await JournalFile.open(path, (first) => isHeader(first));
      const header = file.records[0] as { command: CommandIdentity } | undefined;
      if (header === undefined) await file.append({ heddle: 'map', version: VERSION, command });
      else checkSame(path, header.command, command);
      return new Journal(file, lock);
    } catch (error) {
      await file?.close();
      await lock.release();
      throw error;
    }
  }

  get path(): string {
    return this.#file.path;
  }

  /** How many items were done before. */
  get doneCount(): number {
    return this.done.reduce((sum, range) => sum + range.count, 0);
  }

  /** How many of the done items failed, those of this run included. */
  get failed(): number {
    return this.#failed;
  }

  /** Whether something was noted that is not on the disk yet. */
  get dirty(): boolean {
    return this.#pending.length > 0;
  }

  /** Notes items as done; `commit` makes it last. */
  note(block: { first: number; count: number; bytes: Uint8Array }, failed: number): void {
    this.#failed += failed;
    const last = this.#pending.at(-1);
    if (last !== undefined && last.first + last.count === block.first) {
      last.count += block.count;
      last.hash.update(block.bytes);
      return;
    }
    const { first, count, bytes } = block;
    this.#pending.push({ first, count, hash: createHash('sha256').update(bytes) });
  }

  /** Writes down what was noted. The output must be on the disk already. */
  async commit(output: OutputState | undefined, complete = false): Promise<void> {
    const done = this.#pending.map(
      ({ first, count, hash }) => [first, count, hash.digest('hex').slice(0, 16)] as const,
    );
    this.#pending = [];
    const state = output === undefined ? {} : { output };
    await this.#file.append({ done, failed: this.#failed, ...state, ...(complete ? { complete } : {}) });
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#lock.release();
  }
}

/** Reads over the items that are done, and makes sure that they are the same as before. */
export async function skipDone(
  range: DoneRange,
  journal: Journal,
  skip: (count: number, hash: Hash) => Promise<number>,
): Promise<void> {
  const hash = createHash('sha256');
  const skipped = await skip(range.count, hash);
  if (skipped === range.count && hash.digest('hex').slice(0, 16) === range.digest) return;
  const which = `items ${range.first + 1} to ${range.first + range.count}`;
  const how = skipped < range.count ? 'it has fewer items' : `${which} are not the same`;
  throw new CliError(
    `Cannot go on with journal '${journal.path}': the input has changed since (${how}). Give the same input, or delete the journal to begin again`,
  );
}

function isHeader(record: unknown): boolean {
  return typeof record === 'object' && record !== null && (record as { heddle?: unknown }).heddle === 'map';
}

function checkSame(path: string, before: CommandIdentity, now: CommandIdentity): void {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const differing = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
  if (differing.length === 0) return;
  const changes = differing.map((name) => `${name}: ${brief(before[name])}, now ${brief(now[name])}`);
  throw new CliError(
    `Cannot go on with journal '${path}': it belongs to another command (${changes.join('; ')}). Use another --journal, or delete it to begin again`,
  );
}

function brief(value: unknown): string {
  const text = value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
