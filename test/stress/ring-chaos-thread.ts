/** One end of a ring of bytes: writes or reads records, each of which shows its number in every byte. */
import { parentPort, workerData } from 'node:worker_threads';
import { ByteRing } from '../../src/memory/byte-ring.ts';
import { ownHeap } from '../../src/memory/heap.ts';
import { region } from '../../src/memory/region.ts';
import '../../src/park/own-parking.ts';
import { seeded } from './random.ts';

export interface RingData {
  readonly end: 'write' | 'read';
  readonly address: number;
  readonly seed: number;
  /** 0: stop. 1: records written, 2: read. 3: 1 + the number of a record that was read and is wrong. 4: bell. */
  readonly words: Int32Array;
}

const { end, address, seed, words } = workerData as RingData;
const { words: heap, blocks } = ownHeap();
const ring = new ByteRing(heap, address, blocks, new Uint8Array(region()));
const random = seeded(seed);

function stopped(): boolean {
  return Atomics.load(words, 0) !== 0;
}

function rest(): void {
  Atomics.wait(words, 4, Atomics.load(words, 4), 1);
}

function ring4(): void {
  Atomics.add(words, 4, 1);
  Atomics.notify(words, 4);
}

/** In the ring, in a block of its own, in pages in a row. */
function length(): number {
  if (random.chance(0.7)) return random.integer(1, 60);
  return random.chance(0.95) ? random.integer(200, 4000) : random.integer(50_000, 200_000);
}

function write(): void {
  let number = 0;
  while (!stopped()) {
    for (let batch = random.integer(1, 8); batch > 0; batch--) {
      const bytes = new Uint8Array(length()).fill(number % 251);
      if (ring.write(bytes) !== 'written') break;
      number++;
    }
    if (ring.publish()) ring4();
    else rest();
    Atomics.store(words, 1, number);
  }
}

function read(): void {
  let number = 0;
  while (!stopped()) {
    const inPlace = random.chance(0.5);
    const bytes = inPlace ? ring.peek() : ring.read();
    if (bytes === undefined) {
      ring4();
      rest();
      continue;
    }
    const expected = number % 251;
    if (bytes.length === 0 || bytes.some((byte) => byte !== expected))
      Atomics.compareExchange(words, 3, 0, number + 1);
    if (inPlace) ring.consume();
    number++;
    Atomics.store(words, 2, number);
  }
}

parentPort!.postMessage('ready');
if (end === 'write') write();
else read();
parentPort!.close();
