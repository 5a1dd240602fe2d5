/** Where results go: standard output, a file, or a folder with a file for each item. */
import { createHash, type Hash } from 'node:crypto';
import { fstatSync, write } from 'node:fs';
import { type FileHandle, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { CliError, systemReason } from '../cli-error.ts';

/** The output of an item, or of several in a row. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** The item, by index; set where outputs are told apart. */
  readonly index?: number;
  /** It records that the item failed. */
  readonly failed?: boolean;
}

/** How much is safely written: what a journal needs to go on from here. */
export interface OutputState {
  readonly length: number;
  /** Of all the bytes written, so that a changed file is noticed. */
  readonly digest: string;
}

export interface Output {
  write(pieces: readonly Piece[]): Promise<void>;
  /** Brings everything written to the disk. */
  sync(): Promise<OutputState | undefined>;
  /** Publishes what was written and lets go. */
  finish(): Promise<void>;
}

/** Nobody reads the output any more: not an error, but the end. */
export class OutputClosed extends Error {}

/** Standard output. Written behind the event loop's back, so that a reader who pauses does not make Ctrl-C dead. */
export class StandardOutput implements Output {
  readonly #signal: AbortSignal;

  /** The signal ends a write that nobody takes in. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async write(pieces: readonly Piece[]): Promise<void> {
    const bytes = joined(pieces);
    let at = 0;
    while (at < bytes.length) at += await this.#writeSome(bytes.subarray(at));
  }

  #writeSome(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(this.#signal.reason);
      this.#signal.addEventListener('abort', abort, { once: true });
      write(1, bytes, (error, written) => {
        this.#signal.removeEventListener('abort', abort);
        if (error === null) resolve(written);
        // The terminal or pipe was set to non-blocking by somebody else, and is full.
        else if (error.code === 'EAGAIN') resolve(delay(5, 0));
        else if (error.code === 'EPIPE') reject(new OutputClosed());
        else reject(cannotWrite('standard output', error));
      });
    });
  }

  async sync(): Promise<undefined> {}
  async finish(): Promise<void> {}
}

/** Whether a bar on the terminal would be torn by what is written to standard output, or by who reads that. */
export function outputMayShow(): boolean {
  try {
    const found = fstatSync(1);
    return !found.isFile() && !(found.isCharacterDevice() && !isatty(1));
  } catch {
    return true;
  }
}

/**
 * One file. With a journal the file itself grows, and its state can be synced and resumed; without, a file beside it
 * is written and takes its place at the end, so that whoever reads it never sees half a run.
 */
export class FileOutput implements Output {
  readonly #path: string;
  readonly #written: string;
  readonly #file: FileHandle;
  readonly #hash: Hash | undefined;
  #length: number;

  private constructor(path: string, written: string, file: FileHandle, length: number, hash?: Hash) {
    this.#path = path;
    this.#written = written;
    this.#file = file;
    this.#length = length;
    this.#hash = hash;
  }

  /** A file that is replaced as a whole at the end. A device or a pipe is written to directly. */
  static async replace(path: string): Promise<FileOutput> {
    const special = await isSpecial(path);
    const written = special ? path : join(dirname(path), `.${basename(path)}.${process.pid}.heddle`);
    return new FileOutput(path, written, await openFile(written, path, 'w'), 0);
  }

  /** A file that goes on from a state, or from nothing. */
  static async resume(path: string, state: OutputState | undefined): Promise<FileOutput> {
    if (await isSpecial(path))
      throw new CliError(
        `Cannot journal output '${path}': only a regular file can be gone on with. Use another --output, or no --journal`,
        { exitCode: 2 },
      );
    const length = state?.length ?? 0;
    const file = await openFile(path, path, length === 0 ? 'w' : 'r+');
    const hash = createHash('sha256');
    try {
      const found = await hashStart(file, length, hash);
      if (found < length)
        throw changed(path, `the journal says that ${length} bytes were written, and it has ${found}`);
      if (length > 0 && hash.copy().digest('hex') !== state?.digest)
        throw changed(path, 'it is not what the journal says was written');
      await file.truncate(length);
    } catch (error) {
      await file.close();
      throw error instanceof CliError ? error : cannotWrite(`'${path}'`, error);
    }
    return new FileOutput(path, path, file, length, hash);
  }

  async write(pieces: readonly Piece[]): Promise<void> {
    const bytes = joined(pieces);
    try {
      let at = 0;
      const fixed = this.#written !== this.#path || this.#hash !== undefined;
      while (at < bytes.length) {
        const position = fixed ? this.#length + at : null;
        at += (await this.#file.write(bytes, at, bytes.length - at, position)).bytesWritten;
      }
    } catch (error) {
      throw cannotWrite(`'${this.#path}'`, error);
    }
    this.#hash?.update(bytes);
    this.#length += bytes.length;
  }

  async sync(): Promise<OutputState> {
    try {
      await this.#file.datasync();
    } catch (error) {
      throw cannotWrite(`'${this.#path}'`, error);
    }
    return { length: this.#length, digest: this.#hash?.copy().digest('hex') ?? '' };
  }

  async finish(): Promise<void> {
    if (this.#written === this.#path) {
      await this.#file.close();
      return;
    }
    try {
      // A disk that filled up may have taken part of a write: whole results only.
      await this.#file.truncate(this.#length);
      await this.#file.close();
      await rename(this.#written, this.#path);
    } catch (error) {
      throw cannotWrite(`'${this.#path}'`, error);
    }
  }
}

/** A file per item. Each is written beside its place and then moved there, so that none is ever half. */
export class DirectoryOutput implements Output {
  readonly #directory: string;
  readonly #nameOf: (index: number) => string;
  readonly #durable: boolean;
  readonly #made = new Set<string>();

  /** With `durable`, each file is on the disk before its write resolves. */
  constructor(directory: string, options: { nameOf: (index: number) => string; durable: boolean }) {
    this.#directory = directory;
    this.#nameOf = options.nameOf;
    this.#durable = options.durable;
  }

  async write(pieces: readonly Piece[]): Promise<void> {
    for (let from = 0; from < pieces.length; from += 16)
      await Promise.all(pieces.slice(from, from + 16).map((piece) => this.#writeOne(piece)));
  }

  async #writeOne(piece: Piece): Promise<void> {
    const target = join(
      this.#directory,
      this.#nameOf(piece.index ?? 0) + (piece.failed ? '.error.json' : ''),
    );
    const beside = join(dirname(target), `.${basename(target)}.heddle`);
    try {
      await this.#makeFolder(dirname(target));
      const file = await open(beside, 'w');
      try {
        await file.writeFile(piece.bytes);
        if (this.#durable) await file.datasync();
      } finally {
        await file.close();
      }
      await rename(beside, target);
    } catch (error) {
      await unlink(beside).catch(() => {});
      throw cannotWrite(`'${target}'`, error);
    }
  }

  async #makeFolder(path: string): Promise<void> {
    if (this.#made.has(path)) return;
    await mkdir(path, { recursive: true });
    this.#made.add(path);
  }

  async sync(): Promise<undefined> {
    if (!this.#durable) return;
    for (const path of this.#made) await syncFolder(path);
  }

  async finish(): Promise<void> {}
}

/** Makes the names in a folder durable; where a system cannot do that, there is nothing to be done. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    // Windows and some network file systems.
  }
}

function joined(pieces: readonly Piece[]): Uint8Array {
  return pieces.length === 1 ? pieces[0]!.bytes : Buffer.concat(pieces.map((piece) => piece.bytes));
}

async function isSpecial(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

async function openFile(path: string, shown: string, flags: string): Promise<FileHandle> {
  try {
    if ((await stat(shown).catch(() => undefined))?.isDirectory()) {
      throw Object.assign(new Error('folder'), { code: 'EISDIR' });
    }
    return await open(path, flags);
  } catch (error) {
    throw cannotWrite(`'${shown}'`, error);
  }
}

/** Adds the first `length` bytes of a file to `hash`; gives how many there were. */
async function hashStart(file: FileHandle, length: number, hash: Hash): Promise<number> {
  const buffer = Buffer.allocUnsafe(Math.min(length, 1 << 20));
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - at), at);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return at;
}

function changed(path: string, how: string): CliError {
  return new CliError(
    `Cannot go on with output '${path}': ${how}. Put the file back, or delete the journal to begin again`,
  );
}

function cannotWrite(what: string, error: unknown): CliError {
  return new CliError(`Cannot write ${what}: ${systemReason(error)}`, { cause: error });
}
