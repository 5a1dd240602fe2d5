import { join } from 'node:path';
import { expect, test } from 'vitest';
import { program } from '../../docs/program.ts';

test('inline functions of one text import each from the file in which it stands', async () => {
  const main = join(import.meta.dirname, 'same-text', 'main.ts');
  const { code, out, err } = await program([main], { timeout: 30_000 });
  expect([code, err]).toEqual([0, '']);
  expect(out.trimEnd().split('\n')).toEqual(['outer inner outer', 'outer inner outer inner']);
});
