import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JournalFile } from '../../../../src/cli/map/journal-file.ts';

let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'heddle-journal-')), 'journal');
});
afterEach(() => rmSync(join(path, '..'), { recursive: true }));

async function write(...records: unknown[]): Promise<Buffer> {
  const journal = await JournalFile.open(path, () => true);
  for (const record of records) await journal.append(record);
  await journal.close();
  return readFileSync(path);
}

async function read(): Promise<readonly unknown[]> {
  const journal = await JournalFile.open(path, () => true);
  await journal.close();
  return journal.records;
}

test('JournalFile gives back the whole records, wherever a crash cut the file off', async () => {
  const bytes = await write({ one: 1 }, { two: 2 }, [3]);
  const ends = [...bytes.keys()].filter((index) => bytes[index] === 0x0a).map((index) => index + 1);
  for (let length = 0; length <= bytes.length; length++) {
    writeFileSync(path, bytes.subarray(0, length));
    const whole = ends.filter((end) => end <= length).length;
    expect(await read(), `cut at ${length}`).toEqual([{ one: 1 }, { two: 2 }, [3]].slice(0, whole));
    expect(readFileSync(path)).toHaveLength([0, ...ends][whole]!);
  }
});

test('JournalFile goes on behind a record that was cut off', async () => {
  const bytes = await write('one', 'two');
  writeFileSync(path, bytes.subarray(0, -3));
  await write('three');
  expect(await read()).toEqual(['one', 'three']);
});

test('JournalFile refuses a record that was changed, removed or moved, and leaves the file as it is', async () => {
  const [one, two, three, four] = (await write('one', 'two', 'three', 'four')).toString().split('\n');
  for (const lines of [
    [one, two!.replace('two', 'owt'), three, four],
    [one, three, four],
    [one, three, two, four],
  ]) {
    const text = lines.map((line) => `${line}\n`).join('');
    writeFileSync(path, text);
    await expect(read()).rejects.toThrow('it is damaged behind record 1');
    expect(readFileSync(path, 'utf8')).toBe(text);
  }
});

test('JournalFile does not take another file for a journal', async () => {
  for (const text of ['my notes\n', 'my notes', '{"a":1}']) {
    writeFileSync(path, text);
    await expect(read(), text).rejects.toThrow('it is not a journal of heddle');
    expect(readFileSync(path, 'utf8')).toBe(text);
  }
});
