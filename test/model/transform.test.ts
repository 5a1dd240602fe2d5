import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parse } from 'acorn';
import { expect, onTestFinished, test } from 'vitest';
import { call, explore, loadModules, type Steps, step, transformModule, wait } from './explorer.ts';
import { AnySteps, atOnce } from './operations.ts';

const HEAD = "import { Atomics } from '#atomics';\n";

/** Writes source files into a folder of their own; gives the path of the first. */
function sources(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-transform-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), HEAD + text);
  return join(folder, Object.keys(files)[0]!);
}

/** What loading a module with `body` is refused with; line 1 is the import. */
function refusalOf(body: string): string {
  const file = sources({ 'a.ts': body });
  try {
    transformModule(file);
  } catch (error) {
    return (error as Error).message.replace(relative(process.cwd(), file), 'a.ts');
  }
  throw new Error('It was not refused');
}

function load<T extends object>(files: Readonly<Record<string, string>>): T {
  return loadModules<{ a: T }>({ a: sources(files) }).a;
}

test.each([
  ['a constructor', 'export class A {\n  constructor(w: Int32Array) { Atomics.load(w, 0); }\n}', 3],
  ['a constructor', 'function f(w) { Atomics.load(w, 0); }\nclass A {\n  constructor(w) { f(w); }\n}', 4],
  ['a constructor', 'class A {\n  constructor() { this.#f(); }\n  #f() { Atomics.load(w, 0); }\n}', 3],
  ['a getter', 'class A {\n  get a() { return Atomics.add(w, 0, 1); }\n}', 3],
  ['a setter', 'class A {\n  set a(v) { Atomics.store(w, 0, v); }\n}', 3],
  ['a class field initialiser', 'class A {\n  a = Atomics.load(w, 0);\n}', 3],
  ['a static block', 'class A {\n  static { Atomics.load(w, 0); }\n}', 3],
  ['a top level of the module', 'const w = new Int32Array(1);\nAtomics.load(w, 0);', 3],
  ['a callback handed to a built-in', 'const f = (l, w) => l.map((i) =>\n  Atomics.load(w, i));', 3],
  ['a callback handed to a built-in', 'const f = (w) => new Promise((r) => {\n  Atomics.load(w, 0); });', 3],
  ['the default of a parameter', 'function f(w,\n  a = Atomics.load(w, 0)) {}', 3],
  ['the middle of an optional chain', 'function f(a) {\n  return a?.unknown().b; }', 3],
  ['an operation that is not modelled', 'function f(w) {\n  Atomics.unheardOf(w, 0); }', 3],
  ['an expression that is no call', 'function f() {\n  return Atomics; }', 3],
])('atomics in %s are refused with file and line', (place, body, line) => {
  expect(refusalOf(body)).toMatch(
    `Cannot explore a.ts:${line}: ${place} has atomics, or calls code with atomics`,
  );
});

test('a call that turns out to reach atomics where it cannot be suspended is refused when it runs', () => {
  const { A, f } = load<{ A: new (f: unknown) => object; f: unknown }>({
    'a.ts':
      'export function f() { Atomics.load(new Int32Array(1), 0); }\nexport class A {\n  constructor(f) { f(); }\n}',
  });
  expect(() => new A(f)).toThrow(/a\.ts:4: code with atomics is called where it cannot be suspended/);
  expect(() => new A(() => 1)).not.toThrow();
});

test('a getter that loads may be read by a check, and not by a thread', async () => {
  const file = sources({
    'a.ts':
      'export class A {\n  #w = new Int32Array([7]);\n  get size() { return Atomics.load(this.#w, 0); }\n}',
  });
  const { a } = loadModules<{ a: { A: new () => { size: number } } }>({ a: file });
  expect(new a.A().size).toBe(7);
  const exploration = explore({
    name: 'getter',
    modules: { a: file },
    world: (_memory, { a }: { a: { A: new () => { size: number } } }) => new a.A(),
    threads: (world) => ({
      *reader() {
        yield* step();
        world.size;
      },
    }),
  });
  await expect(exploration).rejects.toThrow(/a\.ts:4: a getter with an atomic is read by a thread/);
});

test('functions of every form become generators, and give what the source gives', () => {
  const module = load<Record<string, (w: Int32Array) => number>>({
    'a.ts': `
export function declared(w: Int32Array): number { return Atomics.add(w, 0, 1); }
export const arrow = (w: Int32Array): number => Atomics.add(w, 0, 1);
export const object = (w: Int32Array) => (
  { value: Atomics.add(w, 0, 1) });
export class A {
  static make(w: Int32Array): number { return new A(w).#step(2) + A.#twice(w); }
  static #twice = (w: Int32Array) => arrow(w) + declared(w);
  readonly #w: Int32Array;
  readonly #field = () => Atomics.add(this.#w, 0, 1);
  constructor(w: Int32Array) { this.#w = w; }
  #step(n: number): number { return n === 0 ? 0 : this.#field() + this.#step(n - 1); }
}
export const made = (w) => A.make(w);
export const literal = (w) => ({ method() { return Atomics.add(w, 0, 1); } }).method();
export const chained = (w) => ({ method: () => Atomics.add(w, 0, 1) })?.method();
export const caught = (w) => { try { return thrower(w); } catch (error) { return error; } finally { declared(w); } };
function thrower(w) { throw Atomics.add(w, 0, 1); }
export const given = (w) => twice(() => Atomics.add(w, 0, 1));
function twice(f) { return f() + f(); }
export const nested = (w) => Atomics.add(w, Atomics.sub(w, 0, 1) - 1, 1);
`,
  });
  const run = (name: string, start = 0): unknown => {
    const steps = module[name]!(new Int32Array([start]));
    expect(steps).toBeInstanceOf(AnySteps);
    return atOnce(steps);
  };
  expect(run('declared', 5)).toBe(5);
  expect(run('arrow', 5)).toBe(5);
  expect(run('object', 5)).toEqual({ value: 5 });
  expect(run('made')).toBe(0 + 1 + 2 + 3);
  expect(run('literal', 5)).toBe(5);
  expect(run('chained', 5)).toBe(5);
  expect(run('caught', 5)).toBe(5);
  expect(run('given', 5)).toBe(11);
  expect(run('nested', 1)).toBe(0);
});

test('a function without atomics stays as it is', () => {
  const { plain, sorted } = load<Record<'plain' | 'sorted', (...args: unknown[]) => unknown>>({
    'a.ts':
      'export const plain = (a: number) => Math.max(a, 2);\nexport function sorted(l: number[]) { return l.map((i) => plain(i)).sort(); }\nexport const f = (w) => Atomics.load(w, 0);',
  });
  expect(plain(1)).toBe(2);
  expect(sorted([3, 1])).toEqual([2, 3]);
});

test('a generator function with atomics is refused when it runs', () => {
  const { values } = load<{ values(w: Int32Array): Iterable<number> }>({
    'a.ts': 'export function* values(w) {\n  yield Atomics.load(w, 0);\n}',
  });
  expect(() => [...values(new Int32Array(1))]).toThrow(/a\.ts:2: a generator function has atomics/);
});

test('relative imports are transformed where they lead to atomics, others are imported as they are', async () => {
  const file = sources({
    'a.ts':
      "import { bump } from './b.ts';\nimport { show } from './c.ts';\nexport const f = (w: Int32Array) => show(bump(w));",
    'b.ts': "export { bump } from './d.ts';",
    'd.ts': 'export function bump(w: Int32Array): number { return Atomics.add(w, 0, 1) + 1; }',
  });
  writeFileSync(join(file, '../c.ts'), "export const show = (n: number): string => '<' + n + '>';");
  const seen: string[] = [];
  const report = await explore({
    name: 'several files',
    modules: { a: file },
    world: (memory, { a }: { a: { f(w: Int32Array): string } }) => ({ w: memory.int32(1), a }),
    threads: ({ w, a }) => {
      function* body(): Steps {
        seen.push(yield* call(a.f(w)));
      }
      return { one: body, two: body };
    },
    check: ({ w }) => expect(w[0]).toBe(2),
  });
  expect(report.schedules).toBe(2);
  expect(seen).toEqual(['<1>', '<2>', '<1>', '<2>']);
});

test('no line moves', () => {
  const file = 'test/model/fixtures/mutex-async.ts';
  const source = readFileSync(file, 'utf8').split('\n');
  const transformed = transformModule(file).split('\n');
  const lineOf = (lines: readonly string[], text: string): number =>
    lines.findIndex((line) => line.includes(text));
  expect(lineOf(transformed, 'function* firstOf(')).toBe(lineOf(source, 'function firstOf('));
  expect(lineOf(transformed, '*#wakeNext()')).toBe(lineOf(source, '  #wakeNext()'));
});

test('every source file can be written in generator form, or is refused with file and line', () => {
  for (const file of globSync('src/**/*.ts')) {
    const text = textOrRefusal(file);
    if (text.startsWith('Cannot explore src/')) continue;
    expect(() => parse(text, { ecmaVersion: 'latest', sourceType: 'module' }), file).not.toThrow();
  }
});

function textOrRefusal(file: string): string {
  try {
    return transformModule(file, { transformed: () => false });
  } catch (error) {
    return (error as Error).message;
  }
}

test('instances have module variables of their own', async () => {
  const file = sources({
    'a.ts':
      'let id = 0;\nexport const setId = (n: number) => { id = n; };\nexport const store = (w: Int32Array) => Atomics.store(w, id, id);',
  });
  interface Module {
    setId(n: number): void;
    store(w: Int32Array): void;
  }
  const report = await explore({
    name: 'instances',
    modules: { a: file },
    instances: 2,
    world: (memory, _modules, instances: readonly { readonly a: Module }[]) => ({
      w: memory.int32(3),
      instances,
    }),
    threads: ({ w, instances }) => {
      instances.forEach(({ a }, at) => {
        a.setId(at + 1);
      });
      return { one: () => call(instances[0]!.a.store(w)), two: () => call(instances[1]!.a.store(w)) };
    },
    check: ({ w }) => expect([...w]).toEqual([0, 1, 2]),
  });
  expect(report.schedules).toBe(2);
});

test('promises, timers and microtasks of the source run on the loop of the model', async () => {
  const file = sources({
    'a.ts': `
export async function within(w: Int32Array, ms: number): Promise<string> {
  return await new Promise((resolve) => {
    const timer = setTimeout(() => resolve('late'), ms);
    watch(w, () => { clearTimeout(timer); resolve('rung'); });
  });
}
function watch(w, ring) {
  queueMicrotask(ring);
}
export function bump(w) { return Atomics.add(w, 0, 1); }
export async function fails(w) { await bump(w); throw new RangeError('refused'); }
export const recovered = async (w) => { try { await fails(w); } catch (error) { return error.message; } };
export const timed = (w, ms) => after(ms).then(() => bump(w));
function after(ms) { const { promise, resolve } = open(); setTimeout(resolve, ms); return promise; }
function open() { let resolve; const promise = new Promise((r) => { resolve = r; }); return { promise, resolve }; }
`,
  });
  type Async = (w: Int32Array, ms?: number) => Promise<unknown>;
  const outcomes: unknown[] = [];
  await explore({
    name: 'promises',
    modules: { a: file },
    world: (memory, { a }: { a: Record<'within' | 'recovered' | 'timed', Async> }) => ({
      w: memory.int32(1),
      a,
    }),
    threads: ({ w, a }) => ({
      *loop() {
        outcomes.push(yield* wait(a.within(w, 5)));
        outcomes.push(yield* wait(a.recovered(w)));
        outcomes.push(yield* wait(a.timed(w, 5)));
      },
    }),
  });
  expect(outcomes).toEqual(['rung', 'refused', 1]);
});
