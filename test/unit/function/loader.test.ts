import { expect, test } from 'vitest';
import { moduleUrl } from '../../../src/function/loader.ts';
import { moduleName } from '../../../src/platform/modules.ts';

type Load = Parameters<typeof moduleUrl>[0];

function proxy(load: Load): string {
  return moduleUrl(load, proxy);
}

/** A loader with exactly this text, whatever the test runner makes of imports. */
function written(text: string): () => Promise<object> {
  return Object.assign(() => Promise.resolve({}), { toString: () => text });
}

test('moduleUrl() reads the import() of a loader and resolves it against the file of its author', () => {
  const expected = new URL('../../../src/core/clock.ts', import.meta.url).href;
  expect(proxy(() => import('../../../src/core/clock.ts'))).toBe(expected);
  expect(proxy(async () => await import('../../../src/core/clock.ts'))).toBe(expected);
  expect(
    proxy(() => {
      return import('../../../src/core/clock.ts');
    }),
  ).toBe(expected);
});

test.each([
  '() => import("./image.js")',
  "()=>import('./image.js')",
  '() => import(`./image.js`)',
  'async function () { return await import("./image.js"); }',
  '()=>import("./image.js").then(t=>{const e="default";return t[e]&&typeof t[e]=="object"&&"__esModule"in t[e]?t[e]:t})',
  '() => import("./image.js", { with: { type: "json" } })',
])('moduleUrl() reads %s', (text) => {
  expect(proxy(written(text))).toBe(new URL('./image.js', import.meta.url).href);
});

test('moduleUrl() reads the imports that vite served', () => {
  const root = new URL('../../../', import.meta.url).href;
  expect(proxy(written('() => __vite_ssr_dynamic_import__("/src/index.ts")'))).toBe(`${root}src/index.ts`);
  expect(proxy(written('() => __vite_ssr_dynamic_import__("/@fs/tmp/a b.ts")'))).toBe('file:///tmp/a%20b.ts');
});

test('moduleUrl() leaves packages to the resolution of the thread, as seen from the file', () => {
  const url = proxy(written('() => import("acorn")'));
  expect(moduleName(url)).toBe(`"acorn" (imported from ${import.meta.url})`);
});

test('moduleUrl() takes URLs as they are', () => {
  expect(proxy(new URL('file:///a/b.js'))).toBe('file:///a/b.js');
  expect(proxy('file:///a/b.js')).toBe('file:///a/b.js');
  expect(proxy('node:path')).toBe('node:path');
  expect(proxy(written('() => import("node:path")'))).toBe('node:path');
});

test.each([
  ['a path', './image.js', "new URL('./image.js', import.meta.url)"],
  ['a Windows path', 'C:\\image.js', 'import.meta.url)'],
  ['an import of a variable', written('() => import(name)'), "new URL('./image.js', import.meta.url)"],
  ['two imports', written('() => [import("a"), import("b")]'), 'expected one import() of a literal'],
  ['no import', written('() => 1'), 'expected one import() of a literal'],
  ['something else', 5, 'load must be a function or a URL, received 5'],
])('moduleUrl() refuses %s with a TypeError that shows the way out', (_what, load, message) => {
  expect(() => proxy(load as Load)).toThrow(TypeError);
  expect(() => proxy(load as Load)).toThrow(message);
});
