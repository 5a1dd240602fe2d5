import { describe, expect, test } from 'vitest';
import { candidates, type Naming, rewrite } from '../../../src/bundler/rewrite.ts';

const HEAD = "import { portable, toThread } from 'heddle';\n";

/** Names modules by their specifiers, except `node:` ones. */
const naming: Naming = {
  url: async (specifier) => (specifier?.startsWith('node:') ? undefined : `urlOf(${specifier ?? 'own'})`),
  import: async (specifier, sent) => (sent ? `load(${specifier})` : undefined),
};

describe('rewrite()', () => {
  test('changes nothing where there is nothing to change', async () => {
    expect(await rewrite('export const a = 1;', 'a.js', naming)).toBeUndefined();
    expect(await rewrite(`${HEAD}pool.import(() => import('node:zlib'));`, 'a.js', naming)).toBeUndefined();
  });

  test('names the own module by a function that is there before the first line runs', async () => {
    const text = `${HEAD}export const a = portable(import.meta, { a() {} });`;
    expect(await rewrite(text, 'a.js', naming)).toBe(
      `${HEAD}export const a = portable(__heddle0(), { a() {} });\nfunction __heddle0() { return { url: urlOf(own), copy: __heddle0 }; }\n`,
    );
  });

  test('moves nothing to another line, and nothing before a place within its line', async () => {
    const text = `${HEAD}portable(import.meta, { a });\npool.import(\n  () =>\n    import('./a.js'),\n); after();\ntoThread(() => import('./b.js'));\nlast();`;
    const written = await rewrite(text, 'a.ts', naming);
    const lines = written!.split('\n');
    expect(lines.findIndex((line) => line.includes('after()'))).toBe(
      text.split('\n').findIndex((line) => line.includes('after()')),
    );
    expect(lines[1]).toHaveLength('portable(import.meta, { a });'.length);
    expect(lines.indexOf('last();')).toBe(text.split('\n').indexOf('last();'));
    expect(written).toContain('toThread(() => load(./b.js));');
  });

  test('has one function for each module, however often it is named', async () => {
    const text = `${HEAD}portable(import.meta, { a }); portable(import.meta, { b }); pool.import(() => import('./c.js'));`;
    const written = await rewrite(text, 'a.js', naming);
    expect(written!.match(/function __heddle\d/g)).toEqual(['function __heddle0', 'function __heddle1']);
  });
});

test('candidates() of a JavaScript file are its TypeScript sources too', () => {
  expect(candidates('./a.js')).toEqual(['./a.js', './a.ts', './a.tsx']);
  expect(candidates('../a.mjs')).toEqual(['../a.mjs', '../a.mts', '../a.mtsx']);
  expect(candidates('./a.ts')).toEqual(['./a.ts']);
  expect(candidates('package/a.js')).toEqual(['package/a.js']);
});
