/** Starts the real command from source, as a person would from a shell. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly input?: string;
}

export function startHeddle(args: readonly string[], { cwd }: { cwd: string }): ChildProcess {
  return spawn(process.execPath, ['--conditions=heddle-source', MAIN, ...args], { cwd });
}

export async function heddle(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const child = startHeddle(args, options);
  child.stdin!.on('error', () => {});
  child.stdin!.end(options.input ?? '');
  return await ended(child);
}

export function ended(child: ChildProcess): Promise<CommandResult> {
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout!.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr!.on('data', (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve) => {
    child.on('close', (code, signal) =>
      resolve({
        code,
        signal,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      }),
    );
  });
}

/** A folder of its own for a test, removed by `remove`. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'heddle-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
