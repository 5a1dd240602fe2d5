/** Runs a program in a process of its own, from source, and tells how it ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from './snippets.ts';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  /** Milliseconds; then it is killed. */
  readonly timeout: number;
  /** Called with all of the standard output, whenever there is more. */
  readonly onOutput?: (out: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Each program compiles the same sources: with this, once for all of them. */
const COMPILE_CACHE = join(root, '.snippets', 'compile-cache');

export async function program(args: readonly string[], options: ProgramOptions): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=heddle-source', ...args], {
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeout,
    killSignal: 'SIGKILL',
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', NODE_COMPILE_CACHE: COMPILE_CACHE },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    options.onOutput?.(out, (signal) => child.kill(signal));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, out, err };
}
