import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfFirst, itemsOf, lineOf, singleItem } from '../../../../src/cli/map/block.ts';
import { ItemReader } from '../../../../src/cli/map/item-reader.ts';

/** A reader of texts, each a source, delivered in chunks of a size. */
function readerOf(texts: readonly string[], itemKind: 'text' | 'json', chunk: number): ItemReader {
  const sources = texts.map((text, index) => ({
    name: `source ${index}`,
    *open() {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += chunk) yield Uint8Array.from(bytes.subarray(at, at + chunk));
    },
  }));
  return new ItemReader(sources, { itemKind, separator: 0x0a });
}

async function readAll(reader: ItemReader, max: number): Promise<{ text: string; at: string }[]> {
  const all: { text: string; at: string }[] = [];
  for (;;) {
    const block = await reader.next(max);
    if (block === undefined) return all;
    const items = itemsOf(block);
    expect(items.texts).toHaveLength(block.count);
    expect(block.first).toBe(all.length);
    items.texts.forEach((text, position) => {
      all.push({ text, at: `${block.file}:${lineOf(block, items, position)}` });
    });
  }
}

const TEXT = 'a\n\nbé\r\n  \nc'; // é: a character of two bytes, to be cut in the middle

describe('ItemReader', () => {
  test('gives the same items however the input is cut', async () => {
    const lines = ['a', '', 'bé', '  ', 'c'].map((text, index) => ({ text, at: `source 0:${index + 1}` }));
    for (let chunk = 1; chunk < 14; chunk++)
      for (let max = 1; max < 7; max++)
        expect(await readAll(readerOf([TEXT], 'text', chunk), max)).toEqual(lines);
  });

  test('takes no blank line for an item of JSON, and counts it as a line', async () => {
    for (let chunk = 1; chunk < 14; chunk++) {
      const items = await readAll(readerOf(['\n\n1\n \n2', '\n', '3\n'], 'json', chunk), 10);
      expect(items.map((item) => item.at)).toEqual(['source 0:3', 'source 0:5', 'source 2:1']);
    }
  });

  test('drops a byte order mark in front of each source', async () => {
    const items = await readAll(readerOf(['\u{feff}a\n', '\u{feff}b'], 'text', 100), 10);
    expect(items.map((item) => item.text)).toEqual(['a', 'b']);
  });

  test('skips to the same place with the same digest, however the input is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('', ' ', '1', '{"a": 2}', '\r'), { maxLength: 30 }),
        fc.nat(20),
        fc.integer({ min: 1, max: 9 }),
        async (lines, count, chunk) => {
          const text = lines.join('\n');
          const [whole, cut] = [createHash('sha256'), createHash('sha256')];
          const first = await readerOf([text], 'json', 10_000).skip(count, whole);
          const reader = readerOf([text], 'json', chunk);
          expect(await reader.skip(count, cut)).toEqual(first);
          expect(cut.digest('hex')).toBe(whole.digest('hex'));
          expect(reader.position).toBe(first.items);
        },
      ),
    );
  });
});

test('singleItem() and bytesOfFirst() take a block apart where its items end', async () => {
  const block = (await readerOf(['\n1\n\n22\n3\n'], 'json', 100).next(10))!;
  expect(block.count).toBe(3);
  expect(itemsOf(singleItem(block, 1)).texts).toEqual(['22']);
  expect(singleItem(block, 1)).toMatchObject({ first: 1, count: 1, line: 4 });
  expect(Buffer.from(bytesOfFirst(block, 2)).toString()).toBe('\n1\n\n22\n');
  expect(bytesOfFirst(block, 0)).toHaveLength(0);
});
