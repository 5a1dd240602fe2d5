import { globSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, program } from './program.ts';
import { allSnippets, root, type Snippet, snippetsOf, writeSnippets } from './snippets.ts';

const AT_ONCE = 2;
const LIMIT_MS = 30_000;

const snippets = allSnippets();
const folder = writeSnippets(snippets);
const toRun = snippets.filter(({ noRun }) => noRun === undefined);
const place = ({ document, line }: Snippet): string => `${document}:${line}`;

/** The original places instead of those of the extracted files. */
function inPlace(text: string): string {
  let result = text;
  for (const [snippet, file] of folder.files) {
    for (const name of [file, relative(root, file), relative(folder.path, file)])
      result = result.replaceAll(name, snippet.document);
  }
  return result;
}

afterAll(() => rmSync(folder.path, { recursive: true, force: true }));

describe('the blocks of documents and doc comments', () => {
  const ended = new Map<Snippet, Ended>();

  beforeAll(async () => {
    const queue = [...toRun];
    const lane = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const file = folder.files.get(next)!;
        ended.set(next, await program([file], { cwd: dirname(file), timeout: LIMIT_MS }));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  }, 240_000);

  test('pass the type checker', async () => {
    const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
    const tsc = join(typescript, 'bin', 'tsc');
    const { code, out, err } = await program([tsc, '-p', folder.path, '--pretty', 'false'], {
      timeout: 60_000,
    });
    expect.soft(inPlace(out + err)).toBe('');
    expect(code).toBe(0);
  }, 60_000);

  test.each(toRun.map((snippet) => [place(snippet), snippet] as const))('%s runs', (_, snippet) => {
    const { code, signal, out, err } = ended.get(snippet)!;
    const told = inPlace(`${out}${err}`);
    expect(code, `ended by ${signal ?? `exit code ${code}`}:\n${told}`).toBe(0);
    expect(inPlace(err), 'an example is quiet on standard error').toBe('');
  });

  test('are there: the README has its program, and the sources have examples', () => {
    const documents = new Set(snippets.map(({ document }) => document));
    expect(documents).toContain('README.md');
    expect(documents).toContain('src/executor/thread-pool-executor.ts');
    expect(toRun.length).toBeGreaterThan(20);
  });
});

test('every @example of the sources is a block that is run', () => {
  const without: string[] = [];
  for (const file of globSync('src/**/*.ts', { cwd: root })) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      if (line.includes('* @example') && !/^\s*\* ```ts/.test(lines[index + 1] ?? ''))
        without.push(`${file}:${index + 1}`);
    }
  }
  expect(without).toEqual([]);
});

describe('snippetsOf()', () => {
  test('takes blocks out of a doc comment, with the line of their fence', () => {
    const text = '/**\n * @example\n * ```ts\n * if (a) {\n *   b();\n *\n * }\n * ```\n */';
    expect(snippetsOf('a.ts', text)).toEqual([
      { document: 'a.ts', line: 3, code: 'if (a) {\n  b();\n\n}', noRun: undefined },
    ]);
  });

  test('leaves blocks of other languages, and what stands inside them', () => {
    const text = '````md\n```ts\nno\n```\n````\n```sh\nls\n```\n```ts\nyes();\n```';
    expect(snippetsOf('a.md', text.split('\n').slice(5).join('\n')).map(({ code }) => code)).toEqual([
      'yes();',
    ]);
  });

  test('demands a reason for a block that is not run', () => {
    expect(snippetsOf('a.md', '```ts no-run: needs a printer\nprint();\n```')[0]?.noRun).toBe(
      'needs a printer',
    );
    expect(() => snippetsOf('a.md', '```ts no-run\nprint();\n```')).toThrow(
      'a.md:1: cannot read "ts no-run"',
    );
  });
});
