/** The smoke program on one runtime: its checks as they are reported, and what can only be seen from outside. */
import { join } from 'node:path';
import type { Runtime } from './find-runtimes.ts';
import { runBounded } from './run-bounded.ts';

/** How one check came out. */
export interface CheckResult {
  readonly name: string;
  readonly status: 'ok' | 'FAIL' | 'skip';
  /** Of a failure, or why it was skipped. */
  readonly detail?: string;
  readonly ms?: number;
}

/** What the program writes to stdout, one JSON text a line; see `program/check.mjs`. */
type Message =
  | { readonly heddle: 'start'; readonly name: string }
  | ({ readonly heddle: 'result' } & CheckResult)
  | { readonly heddle: 'end' };

/** The program gives each check 30 s by itself; it takes longer only if its main thread is stuck. */
const SILENCE = 45_000;
/** After its last check the process has to end by itself. */
const END_WITHIN = 10_000;
const LAST = 'the process ends by itself when all is done';

/** Runs the program and calls `onResult` for each check, in order. */
export async function runProgram(
  runtime: Runtime,
  project: string,
  only: string | undefined,
  onResult: (result: CheckResult) => void,
): Promise<void> {
  let current: string | undefined;
  let ended = false;
  const onLine = (line: string): number | undefined => {
    const message = parseMessage(line);
    if (message?.heddle === 'start') current = message.name;
    if (message?.heddle === 'result') {
      current = undefined;
      const { heddle: _, ...result } = message;
      onResult(result);
    }
    if (message?.heddle !== 'end') return undefined;
    ended = true;
    return END_WITHIN;
  };
  const script = join(project, 'program', 'smoke.mjs');
  const args = [...scriptArguments(runtime, script), ...(only === undefined ? [] : [only])];
  const { code, signal, hung, stderr } = await runBounded(runtime.path, args, {
    cwd: project,
    silence: SILENCE,
    onLine,
  });
  const how = hung ? 'it hung and was killed' : `it ended with ${signal ?? `code ${code}`}`;
  const detail = `${how}${stderr === '' ? '' : `; stderr:\n${stderr.slice(-2000)}`}`;
  if (!ended) onResult({ name: current ?? 'the program starts', status: 'FAIL', detail });
  else if (hung || code !== 0) onResult({ name: LAST, status: 'FAIL', detail });
  else onResult({ name: LAST, status: 'ok' });
}

/** How a runtime is told to run a script. */
export function scriptArguments(runtime: Runtime, script: string): readonly string[] {
  return runtime.kind === 'deno' ? ['run', '--allow-all', '--quiet', script] : [script];
}

function parseMessage(line: string): Message | undefined {
  if (!line.startsWith('{"heddle":')) return undefined;
  return JSON.parse(line) as Message;
}
