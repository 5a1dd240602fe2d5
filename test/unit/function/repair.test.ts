/** The call that a CaptureError shows does what was meant; where none would, none is shown. */
import { expect, test } from 'vitest';
import { capture } from '../../../src/function/capture.ts';
import { captureError } from '../../../src/function/capture-error.ts';
import { readInline } from '../../../src/function/inline.ts';
import { type FunctionReference, referenceTo, resolveReference } from '../../../src/function/reference.ts';
import type { AnyFunction } from '../../../src/function/registry.ts';
import { decodeValue, encodeValue } from '../../../src/thread/values.ts';

const imports = new Map([
  ['join', { specifier: 'node:path', name: 'join' }],
  ['j', { specifier: 'node:path', name: 'default' }],
  ['all', { specifier: 'node:path', name: '*' }],
  ['data', { specifier: './data.json', name: 'default' }],
]);

interface Surroundings {
  readonly [name: string]: unknown;
}

function messageFor(text: string, name: string, variables: Surroundings): string {
  const written = {
    url: import.meta.url,
    exports: [],
    imports,
    served: false,
    around: { script: '', line: 0, column: 0, scopes: [{ kind: 'Module', variables }] },
  };
  const canGo = (fn: AnyFunction): boolean => {
    try {
      return referenceTo(fn, canGo) !== undefined;
    } catch {
      return false;
    }
  };
  const { free } = readInline(text, name);
  return captureError({ text, name, free, api: 'toThread', place: undefined, written, canGo }).message;
}

function codeFor(text: string, name = '', variables: Surroundings = {}): string | undefined {
  return /^ {4}(.*)$/m.exec(messageFor(text, name, variables))?.[1];
}

/** What the shown call gives, in which the function is sent as text. */
function run(code: string, variables: Surroundings, args: readonly unknown[]): unknown {
  const submit = (fn: AnyFunction, ...given: never[]): unknown =>
    (
      resolveReference(
        decodeValue(structuredClone(encodeValue(referenceTo(fn, submit), 'captured'))) as FunctionReference,
      ) as AnyFunction
    )(...given);
  const names = Object.keys(variables);
  const call = new Function(
    'toThread',
    'capture',
    'given',
    ...names,
    `return ${code.replace('…', '...given')}`,
  );
  return call(submit, capture, args, ...Object.values(variables));
}

const z = 3;
const plain = (n: number): number => n + 1;

test.each<readonly [text: string, name: string, variables: Surroundings, args: unknown[], result: unknown]>([
  ['(n) => n * z', '', { z }, [2], 6],
  ['function abc(n) { return n * z; }', 'abc', { z }, [2], 6],
  ['(n) => plain(n) + z', '', { plain, z }, [2], 6],
  ['(a, b = z) => a + b', '', { z }, [1], 4],
  ['delete(n) { return n * z; }', 'delete', { z }, [2], 6],
  [`function () { 'use strict'; return z; }`, '', { z }, [], 3],
  [`(n) => { "use strict"; /* one */ const m = n; return m + z; }`, '', { z }, [1], 4],
  ['(n) => {\n  const m = n\n  return m + z\n}', '', { z }, [1], 'too long to be read: …'],
  ['(a, b) => join(a, b)', '', {}, ['a', 'b'], 'a/b'],
  ['function (a) { return j.join(a, z); }', '', { z: 'z' }, ['a'], 'a/z'],
  ['(a) => { return all.join(a, "b"); }', '', {}, ['a'], 'a/b'],
  ['async (n) => n === 0 ? "" : join("a", await self(n - 1))', 'self', {}, [2], 'a/a'],
  ['function (n) { const { z: [own = z] } = { z: [] }; return own + n; }', '', { z }, [1], 4],
])('what is shown for %s can be run', async (text, name, variables, args, result) => {
  const code = codeFor(text, name, variables);
  if (typeof result === 'string' && result.endsWith('…')) expect(code).toContain('…');
  else expect(await run(code!, variables, args)).toBe(result);
});

const usesZ = new Function('z', 'return (n) => z + n')(z) as AnyFunction;

const hopeless: readonly (readonly [text: string, name?: string, variables?: Surroundings])[] = [
  ['function abc(n) { return n < 1 ? z : abc(n - 1); }', 'abc', { z }],
  ['function (n) { return n < 1 ? z : abc(n - 1); }', 'abc', { z }],
  ['function abc(n) { return n < 1 ? "" : join("a", abc(n - 1)); }', 'abc'],
  ['function () { return arguments[0] + z; }', '', { z }],
  ['(n) => usesZ(n)', '', { usesZ }],
  ['(n) => tools.usesZ(n)', '', { tools: { usesZ } }],
  ['() => new Foo(z)', '', { z, Foo: class Foo {} }],
  [`(a, b = join(a, 'z')) => b`],
  ['({ [join("a", "b")]: c }) => c'],
  ['() => import.meta.dirname + dirname', '', { dirname: '/' }],
  ['(dirname) => import.meta.dirname + dirname'],
  ['(a = join("a")) => { var join = 1; return a; }'],
  ['() => import.meta.resolve("x")'],
  ['() => this.method()'],
  ['() => { mutable = 2; }', '', { mutable: 1 }],
  ['() => mutable++', '', { mutable: 1 }],
  ['() => { [mutable] = [1]; }', '', { mutable: 1 }],
  ['() => { for (mutable of [1]); }', '', { mutable: 1 }],
  ['() => this.count++'],
];

test.each(hopeless.map(([text, name = '', variables = {}]) => [text, name, variables] as const))(
  'nothing is shown for %s',
  (text, name, variables) => {
    expect(codeFor(text, name, variables)).toBeUndefined();
  },
);

test('who assigns to a variable is told that a thread has a copy', () => {
  const message = messageFor('() => mutable++', '', { mutable: 1 });
  expect(message).toContain(
    'It assigns to "mutable": a thread has a copy, and an assignment there is not seen here;',
  );
  expect(messageFor('(mutable) => { mutable++; return z; }', '', { z })).not.toContain('assigns');
});

test('the import of a JSON module says that it is one', () => {
  expect(codeFor('() => data')).toBe(
    `toThread(async () => { const { default: data } = await import("./data.json", { with: { type: 'json' } }); return data; }, …)`,
  );
});
