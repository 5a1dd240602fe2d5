import { describe, expect, test } from 'vitest';
import { clearing, LONG, type Model, model, pair, RING, survivors } from '../exploration/byte-ring-model.ts';
import { describeReport, explore } from './explorer.ts';

const SHORT = [24, 13, 0, 24, 16, 24];
const MIXED = [LONG, 5, LONG];

async function exploreAll(name: string, threads: Model['threads'], more: Partial<Model> = {}): Promise<void> {
  const report = await explore(model(name, threads, { preemptionBound: 2, ...clearing(false), ...more }));
  expect(report.exhausted, describeReport(report)).toBe(true);
  expect(report.schedules, describeReport(report)).toBeGreaterThan(30);
}

describe('ByteRing', () => {
  test.each([1, 2, 3])('the reader gets every record whole and in order (batches of %s)', async (batch) => {
    await exploreAll(`short, batches of ${batch}`, pair(SHORT, batch), { preemptionBound: 4 });
  });

  test('long records come in order among the others, and leave no block', async () => {
    await exploreAll('long', pair([...MIXED, LONG, 3], 2));
  });

  test.each([false, true])(
    'whoever dies at any step: whole records or none, and no block left (reaped first: %s)',
    async (first) => {
      await exploreAll(`death, reaped first: ${first}`, pair(MIXED, 2), {
        deaths: 2,
        ...clearing(first),
        preemptionBound: 1,
      });
    },
  );

  test('survivors that clear up at once, or die over it, free each block once', async () => {
    await exploreAll('survivors', survivors([LONG, LONG], 2), {
      deaths: 2,
      mortal: ['writer', 'c'],
      preemptionBound: 1,
    });
  });
});

describe('The models of ByteRing notice', () => {
  const mutants: [
    what: string,
    find: string,
    replace: string,
    threads: Model['threads'],
    more?: Partial<Model>,
  ][] = [
    [
      'TAIL moved before the record is written',
      '    this.#bytes.set(record, 4 * (this.#data + at + BYTES));',
      '    Atomics.store(this.#words, this.#address + TAIL, (at + size) % this.#capacity);\n    Atomics.load(this.#words, 0);\n    this.#bytes.set(record, 4 * (this.#data + at + BYTES));',
      pair(SHORT, 1),
    ],
    [
      'a writer that fills the ring to the last word',
      'if (tail < head) return tail + size < head ? tail : undefined;',
      'if (tail < head) return tail + size <= head ? tail : undefined;',
      pair([24, 16, 24, 24, 24, 24, 16, 24], 1),
    ],
    [
      'HEAD moved before the record is used',
      '    const copy = this.#copy();\n    this.consume();',
      '    this.consume();\n    Atomics.load(this.#words, 0);\n    const copy = this.#copy();',
      pair([24, 24, 24, 24, 24, 24, 16], 1),
    ],
    [
      'blocks made over without INTENT',
      'Atomics.store(this.#words, this.#address + INTENT, this.#tail + 1);',
      '',
      pair(MIXED, 2),
      { deaths: 1 },
    ],
    [
      'blocks made over after TAIL',
      'if (this.#pending.length > 0) this.#makeOver();\n    Atomics.store(this.#words, this.#address + TAIL, this.#tail);',
      'Atomics.store(this.#words, this.#address + TAIL, this.#tail); if (this.#pending.length > 0) this.#makeOver();',
      pair(MIXED, 2),
    ],
    [
      'a reader that moves HEAD before it frees the block',
      'if (block !== 0) this.#blocks.free(block, this.#address);\n    this.#head = this.#behind(this.#head);\n    Atomics.store(this.#words, this.#address + HEAD, this.#head);',
      'this.#head = this.#behind(this.#head);\n    Atomics.store(this.#words, this.#address + HEAD, this.#head);\n    if (block !== 0) this.#blocks.free(block, this.#address);',
      pair(MIXED, 2),
      { deaths: 1 },
    ],
    [
      'survivors that free a block whosever it is',
      'if (block !== 0 && this.#blocks.free(block, this.#address)) freed++;',
      'if (block !== 0 && (this.#blocks.free(block, this.#address) || this.#blocks.free(block))) freed++;',
      survivors([LONG, LONG], 2),
    ],
  ];
  test.each(mutants)('%s', async (name, find, replace, threads, more) => {
    await explore(
      model(name, threads, {
        preemptionBound: 2,
        ...clearing(false),
        ...more,
        mutate: { file: RING, find, replace, expectFailure: true },
      }),
    );
  });
});
