import { expect, test } from 'vitest';
import { portable } from '../../../src/function/portable.ts';
import { type FunctionReference, referenceTo, resolveReference } from '../../../src/function/reference.ts';
import { type AnyFunction, registry } from '../../../src/function/registry.ts';

function submit(fn: AnyFunction): FunctionReference {
  return referenceTo(fn, submit);
}

/** A module with this source, as a URL that can be imported. */
function moduleOf(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

const suffix = 'of a module';

test('portable() gives back the same function, which may capture and is found by module and name', () => {
  const fn = (text: string): string => `${text} ${suffix}`;
  expect(portable(import.meta, fn, 'first')).toBe(fn);
  const reference = structuredClone(submit(fn));
  expect(reference).toEqual({ kind: 'portable', url: import.meta.url, name: 'first' });
  expect(resolveReference(reference)).toBe(fn);
});

test('portable() takes the name of the function where none is given', () => {
  function second(): void {}
  portable(import.meta.url, second);
  expect(submit(second)).toMatchObject({ name: 'second' });
});

test('portable() takes a URL as well', () => {
  function third(): void {}
  portable(new URL(import.meta.url), third);
  expect(submit(third)).toMatchObject({ url: import.meta.url });
});

test('portable() takes the URL that a module says it has', () => {
  const fn = (): number => 1;
  portable({ url: 'https://x/y.js' } as ImportMeta, fn, 'fourth');
  expect(submit(fn)).toMatchObject({ url: 'https://x/y.js' });
});

test('portable() marks the functions of a record by their keys', () => {
  const functions = { resize: () => suffix, crop: function other() {} };
  expect(portable(import.meta, functions)).toBe(functions);
  expect(submit(functions.resize)).toMatchObject({ kind: 'portable', name: 'resize' });
  expect(submit(functions.crop)).toMatchObject({ kind: 'portable', name: 'crop' });
});

test('portable() refuses a second function of the same name and module, and takes the same one again', () => {
  function make(n: number): () => number {
    return () => n;
  }
  portable(import.meta, make(1), 'taken');
  portable(import.meta, make(2), 'taken');
  expect(() => portable(import.meta, () => 'another', 'taken')).toThrow(TypeError);
  expect(() => portable(import.meta, () => 'another', 'taken')).toThrow('portable(import.meta, fn, name)');
  expect(() => portable('data:text/javascript,other', () => 'another', 'taken')).not.toThrow();
});

test('portable() takes each copy that the files of a bundle have of a module: the first one is found, all are known', () => {
  const copy = (copy: string): ImportMeta =>
    ({ url: 'data:text/javascript,bundled', copy }) as unknown as ImportMeta;
  const first = portable(copy('a.js'), () => 'a', 'copied');
  const second = portable(copy('b.js'), () => 'b and another text', 'copied');
  expect(submit(second)).toEqual(submit(first));
  expect(resolveReference(submit(second))).toBe(first);
  expect(() => portable(copy('a.js'), () => 'another', 'copied')).toThrow(/another function of data:/);
});

const refusals: readonly (readonly [
  what: string,
  meta: unknown,
  fn: unknown,
  name: unknown,
  message: string,
])[] = [
  ['a function without a name', import.meta, () => 1, undefined, 'it has no name'],
  ['a path', '/tmp/a.ts', () => 1, 'f', 'pass import.meta'],
  ['a Windows path', 'C:\\a.ts', () => 1, 'f', 'pass import.meta'],
  ['a relative path', './a.ts', () => 1, 'f', 'pass import.meta'],
  ['no module', undefined, () => 1, 'f', 'pass import.meta'],
  ['what is no function', import.meta, 5, undefined, 'received 5'],
  ['a record with something else in it', import.meta, { a: 1 }, undefined, 'functions.a must be a function'],
  ['a class', import.meta, class Foo {}, undefined, 'registerClass(import.meta, Foo)'],
  ['a class in a record', import.meta, { a: class Foo {} }, undefined, 'it is a class'],
  ['an array', import.meta, [() => 1], undefined, 'a record of functions, received'],
  ['an empty record', import.meta, {}, undefined, 'at least one function'],
  ['an address that no thread imports from', 'http://x/y.js', () => 1, 'f', 'pass import.meta'],
  ['a name that is no string', import.meta, () => 1, 5, 'name must be a string'],
];

test.each(refusals)('portable() refuses %s with a TypeError', (_what, meta, fn, name, message) => {
  const call = (): unknown => portable(meta as ImportMeta, fn as AnyFunction, name as string);
  expect(call).toThrow(TypeError);
  expect(call).toThrow(message);
});

test('a portable function that is not known yet is found by importing its module', async () => {
  const url = moduleOf(`
    const known = globalThis[Symbol.for('heddle.functions.3')].functions;
    known.set(import.meta.url + '#late', () => 'found');`);
  const late = (await resolveReference({ kind: 'portable', url, name: 'late' })) as () => string;
  expect(late()).toBe('found');
  expect(resolveReference({ kind: 'portable', url, name: 'late' })).toBe(late);
});

test('a portable function that its module does not register is an error that names those it does', async () => {
  const url = moduleOf('export const unrelated = 1');
  registry.functions.set(`${url}#resize`, () => 1);
  registry.functions.set(`${url}#rotate`, () => 1);
  await expect(resolveReference({ kind: 'portable', url, name: 'crop' })).rejects.toThrow(
    /Cannot find portable function "crop": module data:.* was imported but registers resize, rotate; call portable, or registerClass, at the top level/,
  );
});
