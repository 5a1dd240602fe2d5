import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { minifyFile } from '../../examples/demo/minify.ts';
import { packageTable } from '../../examples/demo/tables.ts';
import { type Ended, type ProgramOptions, program } from './program.ts';
import { root } from './snippets.ts';

function example(
  file: string,
  args: readonly string[] = [],
  options?: Partial<ProgramOptions>,
): Promise<Ended> {
  return program([join(root, 'examples', file), ...args], { timeout: 60_000, ...options });
}

const SMALL = ['lodash', 'picocolors', '--limit', '3', '--threads', '2'];

describe('npm run demo', { timeout: 60_000 }, () => {
  test('minifies packages twice, and proves that both outputs are the same bytes', async () => {
    const { code, out, err } = await example('demo/main.ts', SMALL);
    expect(err).toBe('');
    expect(out).toContain('Minifying 5 JavaScript files of lodash, picocolors');
    expect(out).toMatch(/lodash +│ +3 │/);
    expect(out).toMatch(/2 threads │ +\d+\.\d │ +\d+\.\d\d ×/);
    expect(out).toMatch(/Both outputs are the same bytes: sha256 [\da-f]{64}/);
    expect(code).toBe(0);
  });

  test('ends with 130 and says nothing more when it is interrupted', async () => {
    const { code, err } = await example('demo/main.ts', ['luxon', '--threads', '2'], {
      onOutput: (_, kill) => kill('SIGINT'),
    });
    expect(err).toBe('');
    expect(code).toBe(130);
  });

  test('counts and shows what the minifier refuses', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-demo-'));
    try {
      const path = join(folder, 'broken.js');
      writeFileSync(path, 'let = function (');
      const refused = await minifyFile(path);
      expect(refused).toMatchObject({
        bytesIn: 16,
        code: undefined,
        refusal: 'Name expected',
      });
      const pass = { threads: 1, seconds: 1, cpuSeconds: 1, results: [refused], hash: '' };
      expect(packageTable([{ packageName: 'broken', path, bytes: 16 }], pass)).toMatch(
        /broken +│ +1 │.* 1 │/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('names a package that is not installed, and ends with 1', async () => {
    const { code, err } = await example('demo/main.ts', ['no-such-package']);
    expect(err).toMatch(/^Cannot minify "no-such-package": it is not installed/);
    expect(code).toBe(1);
  });

  test('refuses wrong arguments with a message and 2', async () => {
    for (const args of [['--threads', '0'], ['--limit', 'few'], ['--fast']]) {
      const { code, err } = await example('demo/main.ts', args);
      expect(err).toContain('Usage: npm run demo');
      expect(code).toBe(2);
    }
  });
});

describe('examples/sum-of-squares.ts', { timeout: 60_000 }, () => {
  test('gives the same sum on threads as by plain calls', async () => {
    const small = ['--tasks', '3', '--size', '1000'];
    const threads = await example('sum-of-squares.ts', ['--threads', '2', ...small]);
    expect(threads).toMatchObject({ code: 0, err: '' });
    expect(threads.out).toMatch(/^mode: 2 threads\nsum of all tasks: 1001500500\nelapsed: \d+ ms\n$/);
    const plain = await example('sum-of-squares.ts', ['--threads', '0', ...small]);
    expect(plain).toMatchObject({ code: 0, err: '' });
    expect(plain.out).toMatch(/^mode: plain calls\nsum of all tasks: 1001500500\n/);
  });

  test('refuses wrong arguments with a message and 2', async () => {
    for (const args of [['--threads', 'x'], ['--threads=-1'], ['--tasks', '0'], ['--speed', '9'], ['more']]) {
      const { code, err } = await example('sum-of-squares.ts', args);
      expect(err).toContain('Usage: sum-of-squares.ts');
      expect(code).toBe(2);
    }
  });
});

describe('examples/shared-counter.ts', { timeout: 60_000 }, () => {
  test('loses no step of any thread under one lock', async () => {
    const { code, out, err } = await example('shared-counter.ts', ['--rounds', '500']);
    expect(err).toBe('');
    expect(out).toMatch(/^under one lock: 2000 of 2000\nelapsed: \d+ ms\n$/);
    expect(code).toBe(0);
  });

  test('runs without a lock for comparison, and refuses wrong arguments with a message and 2', async () => {
    const without = await example('shared-counter.ts', ['--rounds', '10', '--no-lock']);
    expect(without).toMatchObject({ code: 0, err: '' });
    expect(without.out).toMatch(/^without a lock: \d+ of 40\n/);
    for (const args of [['--rounds', '0'], ['--rounds', 'few'], ['--speed', '9'], ['more']]) {
      const { code, err } = await example('shared-counter.ts', args);
      expect(err).toContain('Usage: shared-counter.ts');
      expect(code).toBe(2);
    }
  });
});

describe('examples/loops.ts', { timeout: 60_000 }, () => {
  test('serves every order before it stops, whatever the number of threads', async () => {
    const two = await example('loops.ts', ['--orders', '12', '--threads', '2']);
    expect(two).toMatchObject({ code: 0, err: '' });
    expect(two.out).toMatch(
      /^half-way, in thread service\nserved: 12 of 12\ncustomers: 3, total: \d+\nclosed: true\n$/,
    );
    const one = await example('loops.ts', ['--orders', '12', '--threads', '1']);
    expect(one).toMatchObject({ code: 0, err: '', out: two.out });
  });

  test('refuses wrong arguments with a message and 2', async () => {
    for (const args of [['--orders', '0'], ['--threads', 'few'], ['--speed', '9'], ['more']]) {
      const { code, err } = await example('loops.ts', args);
      expect(err).toContain('Usage: loops.ts');
      expect(code).toBe(2);
    }
  });
});

describe('examples/crossover.ts', { timeout: 60_000 }, () => {
  test('measures each thing once, and prints a table of each', async () => {
    const { code, out, err } = await example('crossover.ts', ['--repetitions', '1', '--work', '1']);
    expect(err).toBe('');
    expect(out).toMatch(
      /^A thread: \S+ ms until its first result, \d+ (KB|MB) of resident memory while idle\n/,
    );
    expect(out.match(/^ +[\d.]+ (µs|ms) +\d+( +[\d.]+ \([\d.]+\)){3}$/gm)).toHaveLength(10);
    expect(out.match(/^ +(1 KB|100 KB|10 MB)( +[\d.]+ (µs|ms)){4}$/gm)).toHaveLength(3);
    expect(out).toMatch(/^Copying 64 MB of shared memory: \S+ ms in place, [\d.]+ × by two threads$/m);
    expect(out.match(/^ +\d+ ms( +[\d.]+ (µs|ms)){4}$/gm)).toHaveLength(3);
    expect(code).toBe(0);
  });

  test('refuses wrong arguments with a message and 2', async () => {
    for (const args of [['--repetitions', '0'], ['--work', 'much'], ['--speed', '9'], ['more']]) {
      const { code, err } = await example('crossover.ts', args);
      expect(err).toContain('Usage: crossover.ts');
      expect(code).toBe(2);
    }
  });
});

test('examples/mixed.ts feeds what it fetches to threads, and leaves nothing running', async () => {
  const { code, out, err } = await example('mixed.ts');
  expect(err).toBe('');
  expect(out).toMatch(/^warp: \d+ words\nweft: \d+ words\nshed: \d+ words\nshuttle: \d+ words\n$/);
  expect(code).toBe(0);
}, 60_000);
