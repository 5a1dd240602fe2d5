import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ended, heddle, startHeddle, temporaryFolder } from './command.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

function script(name: string, text: string): void {
  writeFileSync(join(folder.path, name), text);
}

test('heddle --help, --version and the help of commands are printed on stdout', async () => {
  const cwd = folder.path;
  expect(await heddle(['--help'], { cwd })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('heddle map'),
  });
  expect((await heddle(['--version'], { cwd })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await heddle(['map', '--help'], { cwd })).stdout).toContain('--journal <file>');
  expect((await heddle(['run', '--help'], { cwd })).stdout).toContain('heddle run <script>');
});

test('heddle suggests what may have been meant', async () => {
  const cwd = folder.path;
  const command = await heddle(['mpa'], { cwd });
  expect([command.code, command.stderr]).toEqual([2, expect.stringContaining("Did you mean 'heddle map'?")]);
  expect((await heddle(['x.ts'], { cwd })).stderr).toContain("Did you mean 'heddle run x.ts'?");
  expect((await heddle([], { cwd })).code).toBe(2);
});

test('heddle run gives a program its arguments, and keeps its exit code', async () => {
  script(
    'args.ts',
    'const args: string[] = process.argv.slice(2); console.log(args.join()); process.exitCode = 7;',
  );
  const result = await heddle(['run', 'args.ts', '--help', '-x', 'y'], { cwd: folder.path });
  expect([result.code, result.stdout]).toEqual([7, '--help,-x,y\n']);
});

test('heddle run cancels the default export at SIGINT and lets it clean up', async () => {
  script(
    'main.ts',
    `import { setTimeout as delay } from 'node:timers/promises';
     export default async (signal: AbortSignal): Promise<void> => {
       console.log('up');
       try { await delay(60_000, undefined, { signal }); } finally { console.log('cleaned'); }
     };`,
  );
  const child = startHeddle(['run', 'main.ts'], { cwd: folder.path });
  child.stdout!.once('data', () => child.kill('SIGINT'));
  const { code, stdout, stderr } = await ended(child);
  expect([code, stdout, stderr]).toEqual([130, 'up\ncleaned\n', '']);
});

test('heddle run prints the error of a program as node would', async () => {
  script('throws.mjs', "function inner() { throw new TypeError('mine'); }\ninner();");
  const { code, stderr } = await heddle(['run', 'throws.mjs'], { cwd: folder.path });
  expect(code).toBe(1);
  expect(stderr).toMatch(/TypeError: mine\n {4}at inner .*throws\.mjs:1/);
  expect(stderr).not.toContain('heddle:');
  expect((await heddle(['run', 'missing.ts'], { cwd: folder.path })).stderr).toContain(
    "Cannot run 'missing.ts'",
  );
});

test('heddle run lets a program call run() itself', async () => {
  script(
    'own.ts',
    `import { run } from '${join(import.meta.dirname, '../../src/scope/run.ts')}';
     await run(() => console.log('ran'));`,
  );
  expect(await heddle(['run', 'own.ts'], { cwd: folder.path })).toMatchObject({ code: 0, stdout: 'ran\n' });
});
