import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Runs a program in a process of its own, and says whether the parser was loaded by its end. */
function loadsParser(program: string): boolean {
  const source = `
    import { createRequire } from 'node:module';
    const { portable } = await import('./src/function/portable.ts');
    const { referenceTo } = await import('./src/function/reference.ts');
    const submit = (fn) => referenceTo(fn, submit);
    ${program};
    console.log(Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('acorn')));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout.trim() === 'true';
}

test('the parser is loaded by the first inline function, and not before', () => {
  expect(loadsParser('submit(portable("data:,", function named() {}))')).toBe(false);
  expect(loadsParser('submit(() => 1)')).toBe(true);
});
