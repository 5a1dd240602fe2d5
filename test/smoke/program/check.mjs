/**
 * The harness of the smoke program: named checks, one after the other, each bounded in time; reported as one JSON text
 * a line. Plain JavaScript, for it runs as it is on every runtime.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const runtime = globalThis.Bun !== undefined ? 'bun' : globalThis.Deno !== undefined ? 'deno' : 'node';

const CHECK_WITHIN = 30_000;
const CHILD_WITHIN = 20_000;
const checks = [];

/** @param skip `{ bun: 'why' }`: the runtimes that cannot, with the reason. */
export function check(name, body, skip = {}) {
  checks.push({ name, body, reason: skip[runtime] });
}

/** Runs the checks; a part of a name as the program's argument runs only those that have it. */
export async function runChecks() {
  const only = process.argv[2] ?? '';
  for (const { name, body, reason } of checks) {
    if (!name.includes(only)) continue;
    report({ heddle: 'start', name });
    const began = performance.now();
    const outcome = reason === undefined ? await outcomeOf(body) : { status: 'skip', detail: reason };
    report({ heddle: 'result', name, ...outcome, ms: performance.now() - began });
  }
  report({ heddle: 'end' });
}

function report(message) {
  console.log(JSON.stringify(message));
}

async function outcomeOf(body) {
  let timer;
  const hang = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it hung for ${CHECK_WITHIN / 1000} s`)), CHECK_WITHIN);
  });
  try {
    await Promise.race([body(), hang]);
    return { status: 'ok' };
  } catch (error) {
    return { status: 'FAIL', detail: describe(error) };
  } finally {
    clearTimeout(timer);
  }
}

function describe(error) {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`;
  return `${error.message}\n${error.stack ?? ''}${cause}`;
}

export function equal(actual, expected, what = 'result') {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, received ${a}`);
}

export function ok(condition, message) {
  if (!condition) throw new Error(message);
}

/** What the promise rejects with, which has to be of that class. */
export async function rejection(promise, Class) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    ok(error instanceof Class, `expected ${Class.name}, received ${describe(error)}`);
    return error;
  }
  throw new Error(`expected ${Class.name}, but it resolved to ${JSON.stringify(value)}`);
}

/** Everything that an async iterable yields. */
export async function collect(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}

/**
 * Runs a script that stands beside this file on the same runtime.
 *
 * `input` is written to its stdin; `onOutput` is called with the child each time it has written something. Kills it if
 * it does not end by itself: then `hung` is true.
 */
export async function runChild(script, { args = [], input, onOutput } = {}) {
  const path = script.startsWith('/') ? script : fileURLToPath(new URL(script, import.meta.url));
  const flags = runtime === 'deno' ? ['run', '--allow-all', '--quiet'] : [];
  const child = spawn(process.execPath, [...flags, path, ...args], { stdio: 'pipe' });
  const ended = { stdout: '', stderr: '', hung: false };
  child.stdout.on('data', (data) => {
    ended.stdout += data;
    onOutput?.(child, ended.stdout);
  });
  child.stderr.on('data', (data) => {
    ended.stderr += data;
  });
  child.stdin.end(input);
  const timer = setTimeout(() => {
    ended.hung = true;
    child.kill('SIGKILL');
  }, CHILD_WITHIN);
  try {
    const [code, signal] = await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (...end) => resolve(end));
    });
    ok(!ended.hung, `${script} did not end by itself; it wrote ${JSON.stringify(ended)}`);
    return { ...ended, code, signal };
  } finally {
    clearTimeout(timer);
  }
}
