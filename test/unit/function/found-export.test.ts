/** Exported functions that nobody marked, sent to a real thread. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import inspector from 'node:inspector';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { referenceTo } from '../../../src/function/reference.ts';
import { type AnyFunction, CaptureError, ThreadPoolExecutor } from '../../../src/index.ts';
import { importFrom } from '../../../src/platform/modules.ts';
import * as served from '../../fixtures/exported.ts';

const root = join(import.meta.dirname, '../../..');
const fixture = join(root, 'test/fixtures/exported.ts');
mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
const folder = mkdtempSync(join(root, 'node_modules/.cache/exported-'));

let pool: ThreadPoolExecutor;
beforeAll(() => {
  pool = new ThreadPoolExecutor({ threads: 1 });
});
afterAll(async () => {
  await pool.shutdown();
  rmSync(folder, { recursive: true });
});

/** Stands for a public method to which a function is given. */
function submit(fn: AnyFunction): ReturnType<typeof referenceTo> {
  return referenceTo(fn, submit);
}

async function moduleOf<T = Record<string, AnyFunction>>(name: string, source: string): Promise<T> {
  const path = join(folder, name);
  writeFileSync(path, source);
  return (await importFrom(pathToFileURL(path).href, undefined)) as T;
}

describe.each([
  ['as Node loads it', () => importFrom(pathToFileURL(fixture).href, undefined) as Promise<typeof served>],
  ['as the test runner serves it', async () => served],
])('an exported function that uses its module, %s,', (_, load) => {
  let exported: typeof served;
  beforeAll(async () => {
    exported = await load();
  });

  test('runs in a thread without a mark', async () => {
    expect(await pool.submit(exported.area, 2, 3)).toBe(18);
  });

  test('may be exported by another name, or as the default', async () => {
    expect(submit(exported.fileName)).toMatchObject({ kind: 'export', name: 'fileName' });
    expect(await pool.submit(exported.fileName, '/a/b')).toBe('b3');
    expect(await pool.submit(exported.default, 4)).toBe('default 12');
  });

  test('is found though others have the same text', async () => {
    expect(await pool.submit(exported.twice, 5)).toBe(30);
    expect(await pool.submit(exported.thrice, 5)).toBe(45);
  });

  test('is found where it has properties, which a copy would not have', async () => {
    expect(await pool.submit(exported.letter, 1)).toBe('b');
  });

  test('may be an argument, and what map calls', async () => {
    const call = (fn: (n: number) => number, n: number): number => fn(n);
    expect(await pool.submit(call, exported.twice, 1)).toBe(6);
    const results: number[] = [];
    for await (const n of pool.map(exported.twice, [1, 2])) results.push(n);
    expect(results).toEqual([6, 12]);
  });

  test('has one reference, however often it is sent', () => {
    expect(submit(exported.area)).toBe(submit(exported.area));
  });
});

test('a function that needs nothing of its module travels as text, exported or not', () => {
  expect(submit(served.stopsAt)).toMatchObject({ kind: 'export' });
  expect(submit((n: number) => n + 1)).toMatchObject({ kind: 'inline' });
});

test('a function that its module does not export is refused, with the advice to export it', async () => {
  const error = await pool.submit(served.ofHidden.fn, 1).error();
  expect(error).toBeInstanceOf(CaptureError);
  expect((error as Error).message).toContain('export it from its module');
});

test('a thread that has another function by that name refuses to call it', async () => {
  const { elsewhere } = (await importFrom(pathToFileURL(fixture).href, undefined)) as typeof served;
  const error = await pool.submit(elsewhere, 1).error();
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toMatch(
    /^Cannot call export "elsewhere" of .*exported\.ts: this thread has another function there/,
  );
});

describe('import() in an inline function resolves from the file in which that is written', () => {
  test.each([
    ['a job', (fn: (n: number) => unknown) => pool.submit(fn, 7)],
    [
      'an argument',
      (fn: (n: number) => unknown) => pool.submit((given: (n: number) => unknown) => given(7), fn),
    ],
  ])('whoever sends it, as %s', async (_, send) => {
    const { loading } = (await importFrom(pathToFileURL(fixture).href, undefined)) as typeof served;
    expect(await send(loading.square)).toBe(49);
  });
});

test('require() in an inline function of a CommonJS module resolves from its file', async () => {
  writeFileSync(join(folder, 'factor.cjs'), 'module.exports = 3;');
  const { default: module } = await moduleOf<{ default: { of: { times: (n: number) => number } } }>(
    'requiring.cjs',
    'module.exports = { of: { times: (n) => n * require("./factor.cjs") } };',
  );
  expect(await pool.submit(module.of.times, 5)).toBe(15);
});

describe('of a CommonJS module', () => {
  const body = 'const k = 3; function f(n) { return n * k; }';

  test.each([
    ['exports.f = f', 'f'],
    ['module.exports = { f, g: 1 }', 'f'],
    ['module.exports = f', 'default'],
    ['Object.defineProperty(exports, "__esModule", { value: true }); exports.default = f', 'default'],
    [
      'Object.defineProperty(exports, "late", { get() { throw new Error("not yet"); }, enumerable: true }); exports.f = f',
      'f',
    ],
  ])('%s', async (line, name) => {
    const module = await moduleOf<{ default: { f: AnyFunction; default: AnyFunction } & AnyFunction }>(
      `${encodeURIComponent(line).replaceAll('%', '_').slice(0, 60)}.cjs`,
      `${body} ${line};`,
    );
    const fn = module.default.f ?? module.default.default ?? module.default;
    expect(submit(fn)).toMatchObject({ kind: 'export', name });
    expect(await pool.submit(fn as (n: number) => number, 4)).toBe(12);
  });
});

test('what has not been evaluated yet in its module hides no export', async () => {
  const { early } = await moduleOf<{ early: AnyFunction; found: unknown }>(
    'early.mjs',
    'export { late as never, early };\nconst k = 1;\nfunction early() { return [k, late]; }\nlet late = () => early;\n',
  );
  expect(submit(early)).toMatchObject({ kind: 'export', name: 'early' });
});

test('a debugger keeps its breakpoints while a function is looked up', async () => {
  const { f, g } = await moduleOf(
    'debugged.mjs',
    'const k = 1;\nexport function f() {\n  return k;\n}\nexport function g() {\n  return k;\n}\n',
  );
  const session = new inspector.Session();
  session.connect();
  const stops: number[] = [];
  session.on('Debugger.paused', ({ params }) => stops.push(params.callFrames[0]?.location.lineNumber ?? -1));
  session.post('Debugger.enable');
  session.post('Debugger.setBreakpointByUrl', {
    url: pathToFileURL(join(folder, 'debugged.mjs')).href,
    lineNumber: 2,
  });
  expect(submit(g!)).toMatchObject({ kind: 'export' });
  f!();
  session.disconnect();
  expect(stops).toEqual([2]);
});

test('breakpoints in a thread stop in the source as it is written', async () => {
  const lines = readFileSync(fixture, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.includes('return width * height'));
  const { stopsAt } = (await importFrom(pathToFileURL(fixture).href, undefined)) as typeof served;
  expect(await pool.submit(stopsAt, line)).toBe(`area:${line}`);
});

test('the stack of an error of an exported function points into the source as it is written', async () => {
  const lines = readFileSync(fixture, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.includes('// line of the error')) + 1;
  const error = await pool.submit(served.fails).error();
  expect((error as Error).stack).toContain(`exported.ts:${line}:9`);
});

describe('a program that submits its own functions at its top level', () => {
  const run = promisify(execFile);
  const library = pathToFileURL(join(root, 'src/index.ts')).href;

  async function outputOf(name: string, source: string): Promise<string> {
    const path = join(folder, name);
    writeFileSync(path, source.replace("'heddle'", JSON.stringify(library)));
    const flags = ['--conditions=heddle-source'];
    const ended = await run(process.execPath, [...flags, path], { cwd: root, timeout: 60_000 }).catch(
      (error: unknown) => error as { stdout: string; stderr: string },
    );
    return ended.stdout + ended.stderr;
  }

  test('is told to guard that, rather than starting threads for ever', async () => {
    const output = await outputOf(
      'unguarded.mjs',
      `import { toThread } from 'heddle';
      const k = 2;
      export function f(n) { return n * k; }
      console.log(await toThread(f, 3));`,
    );
    expect(output).toMatch(/InvalidStateError: Cannot send function "f".*if \(isMainThread\)/s);
  });

  test('is told so of portable functions as well', async () => {
    const output = await outputOf(
      'unguarded-portable.mjs',
      `import { portable, toThread } from 'heddle';
      const f = portable(import.meta, function f(n) { return n; });
      console.log(await toThread(f, 3));`,
    );
    expect(output).toMatch(/InvalidStateError: Cannot send function "f".*if \(isMainThread\)/s);
  });

  test('is told so where an async function does it, for which its top level does not wait', async () => {
    const output = await outputOf(
      'unguarded-main.mjs',
      `import { toThread } from 'heddle';
      const k = 2;
      export async function f(n) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        return n * k;
      }
      async function main() {
        await new Promise((resolve) => setTimeout(resolve, 10));
        console.log(await toThread(f, 3));
      }
      main();`,
    );
    expect(output).toMatch(/Cannot send function "f".*if \(isMainThread\)/s);
  });

  test('may do so in its jobs, and in what they leave behind', async () => {
    const output = await outputOf(
      'guarded.mjs',
      `import { isMainThread, outside, toThread } from 'heddle';
      const unit = 1;
      export async function fib(n) {
        if (n < 2) return n * unit;
        await Promise.resolve();
        const [a, b] = await Promise.all([toThread(fib, n - 1), toThread(fib, n - 2)]);
        return a + b;
      }
      export function later(n) {
        return new Promise((resolve) => setTimeout(() => resolve(toThread(fib, n)), 1));
      }
      export const apart = (n) => outside(() => toThread(fib, n));
      if (isMainThread) {
        const { log } = console;
        log(await toThread(fib, 6), await toThread(later, 5), await toThread(apart, 4));
      }`,
    );
    expect(output).toBe('8 5 3\n');
  });
});
