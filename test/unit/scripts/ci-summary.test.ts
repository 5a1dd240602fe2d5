import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const script = join(import.meta.dirname, '../../../scripts/ci-summary.ts');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-ci-'));
  for (const part of ['install', 'tests', 'runtimes', 'smoke']) write(`${part}.code`, 0);
  write('vitest.json', { testResults: [file('passed', 'passed', 'passed', 'skipped')] });
  write('smoke.json', { passed: 5, failed: 0, skipped: 0 });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify(content));
}

function file(status: string, ...tests: readonly string[]): unknown {
  const assertionResults = tests.map((one, index) => ({
    fullName: `test ${index}`,
    status: one,
    failureMessages: one === 'failed' ? ['Error: expected 1 to be 2'] : [],
  }));
  return { name: 'a.test.ts', status, message: '', assertionResults };
}

function summary(): {
  readonly last: string | undefined;
  readonly text: string;
  readonly code: number | null;
} {
  const { stdout, status } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  return { last: stdout.trimEnd().split('\n').at(-1), text: stdout, code: status };
}

describe('.ci/run', () => {
  test('sums up the tests of all parts in its last line', () => {
    expect(summary()).toMatchObject({ last: '7 passed, 0 failed, 1 skipped', code: 0 });
  });

  test('says nothing of skipped tests if there are none', () => {
    write('vitest.json', { testResults: [file('passed', 'passed')] });
    expect(summary()).toMatchObject({ last: '6 passed, 0 failed', code: 0 });
  });

  test('fails when a test fails, and names it', () => {
    write('tests.code', 1);
    write('vitest.json', { testResults: [file('failed', 'passed', 'failed')] });
    const { last, text, code } = summary();
    expect({ last, code }).toEqual({ last: '6 passed, 1 failed', code: 1 });
    expect(text).toContain('a.test.ts: test 1: Error: expected 1 to be 2');
  });

  test('counts a file that failed as a whole, as one that leaves a thread behind does', () => {
    write('tests.code', 1);
    write('vitest.json', { testResults: [file('failed', 'passed')] });
    expect(summary()).toMatchObject({ last: '6 passed, 1 failed', code: 1 });
  });

  test('counts a part that failed though none of its tests did', () => {
    write('tests.code', 1);
    expect(summary()).toMatchObject({ last: '7 passed, 1 failed, 1 skipped', code: 1 });
  });

  test('fails when a part left no counts, ran nothing, or was never reached', () => {
    rmSync(join(folder, 'vitest.json'));
    write('smoke.json', { passed: 0, failed: 0, skipped: 0 });
    rmSync(join(folder, 'runtimes.code'));
    const { last, text, code } = summary();
    expect({ last, code }).toEqual({ last: '0 passed, 3 failed', code: 1 });
    expect(text).toContain('npm test: it ended with code 0, and left no vitest.json');
    expect(text).toContain('npm run smoke: nothing ran');
    expect(text).toContain('npm ci --prefix test/smoke/runtimes: it was not reached');
  });

  test('names a part that did not end in time', () => {
    write('smoke.code', 124);
    expect(summary().text).toContain('npm run smoke: it did not end in time');
  });
});
