import { describe, expect, test } from 'vitest';
import { CaptureError } from '../../../src/core/errors.ts';
import { capture } from '../../../src/function/capture.ts';
import { portable } from '../../../src/function/portable.ts';
import {
  type FunctionReference,
  referenceTo,
  referenceToSource,
  resolveReference,
} from '../../../src/function/reference.ts';
import type { AnyFunction } from '../../../src/function/registry.ts';

/** Stands for a public method to which a function is given. */
function submit(fn: AnyFunction): FunctionReference {
  return referenceTo(fn, submit);
}

/** The function as another thread gets it: by nothing but a message. */
function there(fn: AnyFunction): (...args: unknown[]) => unknown {
  return resolveReference(structuredClone(submit(fn))) as (...args: unknown[]) => unknown;
}

declare const require: NodeJS.Require;

const width = 3;

describe('an inline function', () => {
  test('does on the other side what it does here', () => {
    expect(there((a: number, b: number) => a * b)(6, 7)).toBe(42);
    expect(
      there(function add(a: number, b: number): number {
        return a + b;
      })(1, 2),
    ).toBe(3);
  });

  test('may be async, a generator or a method', async () => {
    expect(await there(async (n: number) => n + 1)(1)).toBe(2);
    expect([
      ...(there(function* (n: number) {
        yield n;
        yield n + 1;
      })(1) as Iterable<number>),
    ]).toEqual([1, 2]);
    const key = 'a b';
    const methods = {
      async: () => 1,
      twice(n: number) {
        return n * 2;
      },
      async later(n: number) {
        return n;
      },
      *many(n: number) {
        yield n;
      },
      async *slowly(n: number) {
        yield n;
      },
      [key](n: number) {
        return -n;
      },
      get(n: number) {
        return n;
      },
    };
    expect(there(methods.twice)(2)).toBe(4);
    expect(await there(methods.later)(5)).toBe(5);
    expect([...(there(methods.many)(6) as Iterable<number>)]).toEqual([6]);
    expect(await (there(methods.slowly)(7) as AsyncGenerator).next()).toEqual({ done: false, value: 7 });
    expect(there(methods[key])(8)).toBe(-8);
    expect(there(methods.get)(9)).toBe(9);
  });

  test('may be a private or static method that uses no object', () => {
    // biome-ignore lint/complexity/noStaticOnlyClass: what is tested
    class Tool {
      static #secret(n: number): number {
        return n + 1;
      }
      static open(n: number): number {
        return n + 2;
      }
      static secret = Tool.#secret;
    }
    expect(there(Tool.secret)(1)).toBe(2);
    expect(there(Tool.open)(1)).toBe(3);
  });

  test('may be one that the language has', () => {
    expect(
      [Math.max, parseInt, JSON.stringify, Number, String].map((fn) => there(fn as AnyFunction)('7')),
    ).toEqual([7, 7, '"7"', 7, '7']);
    expect(submit(Math.max)).toEqual({ kind: 'inline', source: 'Math.max', name: 'max' });
  });

  test('may call itself, also by the variable that it is in', () => {
    const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
    expect(there(factorial)(5)).toBe(120);
    expect(there(factorial).name).toBe('factorial');
    const other = factorial;
    const twice = (n: number): number => (n === 0 ? 0 : 2 + (n % 2 === 0 ? twice : alias)(n - 1));
    const alias = twice;
    expect(there(twice)(5)).toBe(10);
    expect(() => submit(() => other(3))).toThrow(CaptureError);
  });

  test('keeps its name', () => {
    const named = (): void => {};
    expect(there(named).name).toBe('named');
    expect(there(() => 1).name).toBe('');
    expect(there(function own() {}).name).toBe('own');
  });

  test('is strict', () => {
    expect(
      there(function () {
        // @ts-expect-error: whatever this is
        return this;
      })(),
    ).toBeUndefined();
  });

  test('is evaluated once per source', () => {
    const make = (): AnyFunction => () => 'same';
    expect(there(make())).toBe(there(make()));
  });

  test('has one reference, however often it is sent', () => {
    const fn = (): number => 1;
    expect(submit(fn)).toBe(submit(fn));
  });

  test('imports as from the file in which it is written', async () => {
    const clock = (await there(async () => await import('../../../src/core/clock.ts'))()) as object;
    const here = Object.keys(await import('../../../src/core/clock.ts'));
    expect(Object.keys(clock).sort()).toEqual(here.sort());
    expect(await there(async () => (await import('node:path')).basename('/a/b'))()).toBe('b');
    expect(await there(async () => (await import('acorn')).version)()).toMatch(/^8/);
  });

  test('has the require of the file in which it stands, as compilers write import() for CommonJS', async () => {
    expect(there(() => require('../../../package.json').name)()).toBe('heddle');
    expect(await there(() => Promise.resolve().then(() => require('node:path').basename('/a/b')))()).toBe(
      'b',
    );
    expect(there(() => typeof require.resolve('acorn'))()).toBe('string');
  });

  test('knows its file only when it imports', () => {
    expect(submit(() => 1)).toMatchObject({ base: undefined });
    expect(submit(() => import('node:path'))).toMatchObject({ base: import.meta.url });
  });

  test('may be sent on by a function that was sent itself', async () => {
    const outer = there(() => () => import('../../../src/core/clock.ts')) as () => AnyFunction;
    const reference = submit(outer());
    expect(reference).toMatchObject({ kind: 'inline' });
    expect((reference as { source: string }).source).toContain('clock.ts');
  });

  test('has the helpers that its module imports, each its own', async () => {
    const made = [1, 2].map((n) =>
      new Function(
        `const __vite_ssr_import_0__ = { default: function _usingCtx() { return ${n}; } };
         return () => (0, __vite_ssr_import_0__.default)();`,
      )(),
    );
    expect(made.map((fn) => there(fn)())).toEqual([1, 2]);
    const other = new Function(
      'const __vite_ssr_import_0__ = { default: function usual() { return 3; } }; return () => (0, __vite_ssr_import_0__.default)();',
    )();
    expect(() => submit(other)).toThrow(CaptureError);
  });

  test('keeps the names of functions that esbuild wrapped', () => {
    const fn = new Function('return () => { const f = __name((x) => x, "renamed"); return f.name; }')();
    expect(there(fn)()).toBe('renamed');
  });
});

test('an inline function that a coverage tool instrumented counts nothing on the other side', () => {
  const body =
    'cov_2k3j4l5m6().f[0]++; cov_2k3j4l5m6().s[1]++; return n > 1 ? (cov_2k3j4l5m6().b[0][1]++, n) : 0;';
  expect(there(new Function('n', body) as AnyFunction)(7)).toBe(7);
});

test('a function that is marked after it was sent is found by its mark from then on', () => {
  const fn = (): number => 1;
  expect(submit(fn).kind).toBe('inline');
  portable(import.meta, fn);
  expect(submit(fn).kind).toBe('portable');
});

describe('referenceToSource()', () => {
  test('takes the text of a function as one would write it on a command line', () => {
    const fn = resolveReference(referenceToSource(' line => line.length;\n', undefined));
    expect((fn as (line: string) => number)('four')).toBe(4);
  });

  test('imports from the base it is given', async () => {
    const base = new URL('../../../', import.meta.url).href;
    const reference = referenceToSource("async () => (await import('./src/core/clock.ts')).now()", base);
    expect(await (resolveReference(reference) as () => Promise<number>)()).toBeTypeOf('number');
  });

  test('refuses what captures, and what is no function', () => {
    expect(() => referenceToSource('line => line + suffix', undefined)).toThrow(CaptureError);
    expect(() => referenceToSource('1 + 1', undefined)).toThrow(TypeError);
    expect(() => referenceToSource('line => {', undefined)).toThrow(TypeError);
  });
});

describe('a function that captures is refused with a CaptureError', () => {
  function refusal(fn: AnyFunction): CaptureError {
    try {
      submit(fn);
    } catch (error) {
      expect(error).toBeInstanceOf(CaptureError);
      return error as CaptureError;
    }
    throw new Error('was not refused');
  }

  test('that names the variables, the function, the place and the ways out', () => {
    const height = 4;
    const area = (): number => width * height;
    const error = refusal(area);
    expect(error.variables).toEqual(['width', 'height']);
    expect(error.message).toContain('function "area"');
    expect(error.message).toContain('"width" and "height"');
    expect(error.message).toMatch(/reference\.test\.ts:\d+:\d+/);
    expect(error.message).toContain('as argument');
    expect(error.message).toContain('portable(import.meta, fn)');
    expect(error.message).toContain(
      'submit(capture({ width, height }, ({ width, height }) => width * height), …)',
    );
    expect(error.message).toContain('await import(');
  });

  test('that names imports by what they are called in the source', () => {
    expect(refusal(() => new CaptureError('', [])).variables).toEqual(['CaptureError']);
  });

  test('that stays readable where there are many', () => {
    const error = refusal(new Function(`return [${[...'abcdefghij'].join()}]`) as AnyFunction);
    expect(error.variables).toHaveLength(10);
    expect(error.message).toContain('"g", "h" and 2 more from');
    expect(error.message).toContain('capture({ a, b, c, d, e, f, g, h, … }, ');
  });

  test('that it is a method which uses its object, for that stays behind', () => {
    class Service {
      readonly rate = 2;
      static readonly tax = 1;
      gross(n: number): number {
        return n * this.rate;
      }
      static taxed(n: number): number {
        // biome-ignore lint/complexity/noThisInStatic: what is tested
        return [n].map((one) => one + this.tax)[0]!;
      }
      inner(): unknown {
        return function (this: unknown) {
          return this;
        };
      }
    }
    for (const fn of [new Service().gross, Service.taxed, { m: Service.prototype.gross }.m]) {
      const error = refusal(fn);
      expect(error.variables).toEqual(['this']);
      expect(error.message).toMatch(
        /method "\w+" to another thread: it uses "this".*reference\.test\.ts:\d+:\d+\); send the values/,
      );
    }
    const bound = capture({ a: 1 }, Service.prototype.gross as unknown as (values: object) => number);
    expect(refusal(bound).variables).toEqual(['this']);
    expect(submit(new Service().inner).kind).toBe('inline');
    expect(
      submit(function (this: unknown) {
        return typeof this;
      }).kind,
    ).toBe('inline');
  });

  test('that names keywords', () => {
    expect(refusal(() => import.meta.url).variables).toEqual(['import.meta']);
  });
});

function compileOf(global: object): AnyFunction {
  return (global as { WebAssembly: { compile: AnyFunction } }).WebAssembly.compile;
}

describe('a TypeError refuses', () => {
  test.each([
    ['a native function of the runtime', compileOf(globalThis), 'wrap it in an arrow function'],
    ['a bound function', function f() {}.bind(1), 'wrap it in an arrow function'],
    ['a class', class Foo {} as unknown as AnyFunction, 'class "Foo"'],
    [
      'a getter',
      Object.getOwnPropertyDescriptor(
        {
          get x() {
            return 1;
          },
        },
        'x',
      )!.get as AnyFunction,
      'getter',
    ],
    ['what is no function', 'text' as unknown as AnyFunction, "received 'text'"],
    [
      'a source that is nested too deeply for the walk over it',
      new Function(`return ${'1+'.repeat(5000)}1`) as AnyFunction,
      '"anonymous" to another thread: its source is nested too deeply',
    ],
    [
      'a source that is nested too deeply for the parser',
      new Function(`return ${'1+'.repeat(30_000)}1`) as AnyFunction,
      '"anonymous" to another thread: its source is nested too deeply',
    ],
    ['what no module may contain', new Function('with ({}) {}') as AnyFunction, 'cannot be read'],
  ])('%s', (_name, fn, message) => {
    expect(() => submit(fn)).toThrow(TypeError);
    expect(() => submit(fn)).toThrow(message);
  });
});
