/** One process of the suite, from its start to its end: bounded in time, and killed when it says nothing for too long. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface BoundedOptions {
  readonly cwd: string;
  /** Milliseconds without a line on stdout after which the process is killed. */
  readonly silence: number;
  /** Called for each line on stdout; may return how long the silence after it may be. */
  readonly onLine?: (line: string) => number | undefined;
}

export interface Ended {
  /** `null` if a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it was killed for its silence. */
  readonly hung: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runBounded(
  command: string,
  args: readonly string[],
  options: BoundedOptions,
): Promise<Ended> {
  const child = spawn(command, args, { cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let hung = false;
  let timer: NodeJS.Timeout;
  const watch = (silence: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, silence);
  };
  watch(options.silence);
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout += `${line}\n`;
    watch(options.onLine?.(line) ?? options.silence);
  });
  try {
    return await new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, hung, stdout, stderr }));
    });
  } finally {
    clearTimeout(timer!);
  }
}
