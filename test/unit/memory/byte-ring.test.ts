import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BlockAllocator, wordsFor } from '../../../src/memory/blocks.ts';
import { ByteRing } from '../../../src/memory/byte-ring.ts';

const RING_AT = 8;

interface Ends {
  readonly writer: ByteRing;
  readonly reader: ByteRing;
  readonly survivor: ByteRing;
  readonly blocks: BlockAllocator;
  readonly words: Int32Array;
}

function ends(bytes: number, pages = 8): Ends {
  const geometry = { base: RING_AT + ByteRing.wordsFor(bytes), pageWords: 64, pages };
  const words = new Int32Array(new SharedArrayBuffer(4 * (geometry.base + wordsFor(geometry))));
  ByteRing.format(words, RING_AT, bytes);
  const [writer, reader, survivor] = [1, 2, 3].map(
    (token) => new ByteRing(words, RING_AT, new BlockAllocator(words, geometry, token)),
  ) as [ByteRing, ByteRing, ByteRing];
  return { writer, reader, survivor, blocks: new BlockAllocator(words, geometry, 9), words };
}

const bytes = (length: number, value = length): Uint8Array => new Uint8Array(length).fill(value);

function readAll(reader: ByteRing): Uint8Array[] {
  const records = [];
  for (let record = reader.read(); record !== undefined; record = reader.read()) records.push(record);
  return records;
}

describe('ByteRing', () => {
  test('publish() shows all that was written before, and says whether there was something', () => {
    const { writer, reader } = ends(256);
    expect(writer.publish()).toBe(false);
    for (const length of [0, 1, 2, 3, 4, 5]) expect(writer.write(bytes(length))).toBe('written');
    expect(reader.isEmpty()).toBe(true);
    expect(reader.read()).toBe(undefined);
    expect(writer.publish()).toBe(true);
    expect(writer.publish()).toBe(false);
    expect(reader.isEmpty()).toBe(false);
    expect(readAll(reader)).toEqual([0, 1, 2, 3, 4, 5].map((length) => bytes(length)));
    expect(reader.isEmpty()).toBe(true);
  });

  test('write() answers full when there is no room, and changes nothing', () => {
    const { writer, reader } = ends(128);
    let count = 0;
    while (writer.write(bytes(24, count)) === 'written') count++;
    expect(count).toBe(3);
    expect(writer.write(bytes(24))).toBe('full');
    for (let n = 0; n < 3; n++) expect(writer.write(bytes(100))).toBe('written');
    expect([writer.write(bytes(0)), writer.write(bytes(100))]).toEqual(['full', 'full']);
    writer.publish();
    expect(readAll(reader)).toEqual([0, 1, 2].map((n) => bytes(24, n)).concat(Array(3).fill(bytes(100))));
    expect(writer.write(bytes(24))).toBe('written');
  });

  test('the bytes of every record begin at a multiple of 8', () => {
    const { writer, reader } = ends(1000, 16);
    for (const length of [1, 100, 5, 900, 3000, 8]) writer.write(bytes(length, 1));
    writer.publish();
    for (let record = reader.peek(); record !== undefined; record = reader.peek()) {
      expect(record.byteOffset % 8, `${record.length} bytes`).toBe(0);
      reader.consume();
    }
  });

  test('write() answers exhausted when there is no block for a long record, and changes nothing', () => {
    const { writer, reader, blocks } = ends(256, 2);
    const all = blocks.allocate(128) ?? 0;
    expect(writer.write(bytes(200))).toBe('exhausted');
    expect(writer.write(bytes(7))).toBe('written');
    blocks.free(all);
    expect(writer.write(bytes(200))).toBe('written');
    writer.publish();
    expect(readAll(reader)).toEqual([bytes(7), bytes(200)]);
    expect(blocks.countUsed()).toBe(0);
  });

  test('peek() gives the record where it lies, until consume()', () => {
    const { writer, reader, words } = ends(256);
    writer.write(bytes(9));
    writer.write(bytes(100));
    writer.publish();
    for (const length of [9, 100]) {
      const record = reader.peek();
      expect(record?.buffer).toBe(words.buffer);
      expect(record).toEqual(bytes(length));
      expect(reader.peek()).toEqual(record);
      reader.consume();
    }
    expect(reader.peek()).toBe(undefined);
    reader.consume();
    expect(reader.isEmpty()).toBe(true);
  });

  test('read() gives a copy in memory of its own', () => {
    const { writer, reader, words } = ends(256);
    writer.write(bytes(9));
    writer.publish();
    expect(reader.read()?.buffer).not.toBe(words.buffer);
  });

  test('another thread can take over either end', () => {
    const { writer, reader, words, blocks } = ends(64);
    writer.write(bytes(12));
    writer.write(bytes(8));
    writer.publish();
    reader.read();
    const [nextWriter, nextReader] = [
      new ByteRing(words, RING_AT, blocks),
      new ByteRing(words, RING_AT, blocks),
    ];
    nextWriter.write(bytes(12, 77));
    nextWriter.publish();
    expect(readAll(nextReader)).toEqual([bytes(8), bytes(12, 77)]);
  });

  test('dispose() frees the blocks of records that were not read, once', () => {
    const { writer, reader, survivor, blocks } = ends(256);
    for (let n = 0; n < 3; n++) writer.write(bytes(100));
    writer.publish();
    reader.read();
    expect(survivor.dispose()).toBe(2);
    expect(survivor.dispose()).toBe(0);
    expect(reader.dispose()).toBe(0);
    expect(blocks.countUsed()).toBe(0);
  });

  test('dispose() of the writer frees what it has not published; when it died, reap() does', () => {
    const { writer, survivor, blocks } = ends(256);
    writer.write(bytes(100));
    expect(survivor.dispose()).toBe(0);
    expect(writer.dispose()).toBe(1);
    writer.write(bytes(100));
    expect(blocks.reap(1)).toBe(1);
    expect(blocks.countUsed()).toBe(0);
  });

  test('is a queue of byte arrays, whatever is written, published and read', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ write: fc.oneof(fc.nat(20), fc.nat(300)) }) },
      { weight: 1, arbitrary: fc.constant('publish' as const) },
      { weight: 2, arbitrary: fc.constantFrom('read' as const, 'peek' as const) },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.array(step, { maxLength: 120 }), (size, steps) => {
        const { writer, reader, blocks } = ends(size, 16);
        const written: Uint8Array[] = [];
        const published: Uint8Array[] = [];
        let value = 0;
        for (const action of steps) {
          if (action === 'publish') {
            expect(writer.publish()).toBe(written.length > 0);
            published.push(...written.splice(0));
          } else if (action === 'read') {
            expect(reader.read()).toEqual(published.shift());
          } else if (action === 'peek') {
            expect(reader.peek()).toEqual(published.shift());
            reader.consume();
          } else {
            const record = bytes(action.write, ++value % 256);
            const result = writer.write(record);
            if (result === 'written') written.push(record);
            else if (published.length === 0 && written.length === 0) expect(result).toBe('exhausted');
          }
          expect(reader.isEmpty()).toBe(published.length === 0);
        }
        writer.publish();
        expect(readAll(reader)).toEqual([...published, ...written]);
        expect(blocks.countUsed()).toBe(0);
      }),
      { seed: 20261121, numRuns: 300 },
    );
  });
});
