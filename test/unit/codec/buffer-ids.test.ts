import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { bufferOf, releaseBuffer, shareBuffer } from '../../../src/codec/buffer-ids.ts';
import { InvalidStateError, SendError } from '../../../src/core/errors.ts';
import { endCustodian } from '../../../src/memory/custody.ts';
import { custody } from '../../../src/memory/region.ts';
import { type Listener, listenToBus, postToBus } from '../../../src/platform/bus.ts';
import { runProgram } from '../platform/program.ts';

afterAll(endCustodian);

const src = join(import.meta.dirname, '../../../src');

/** In the main thread and in each other: telling by words of shared memory, which nobody's loop is needed for. */
const TELL = `
  const tell = (index, value) => { Atomics.store(words, index, value); Atomics.notify(words, index); };
  const until = (index) => { Atomics.wait(words, index, 0); return words[index]; };
  const holding = (value) => { const buffer = new SharedArrayBuffer(8); new Int32Array(buffer)[0] = value; return buffer; };
  const first = (buffer) => new Int32Array(buffer)[0];
`;

/** A program of its own, so that nothing is started yet. `thread(body)` starts a Worker as user code would. */
function run(source: string) {
  return runProgram(`
    import { Worker } from 'node:worker_threads';
    import { bufferOf, releaseBuffer, shareBuffer } from '../codec/buffer-ids.ts';
    const words = new Int32Array(new SharedArrayBuffer(4096));
    ${TELL}
    const url = ${JSON.stringify(pathToFileURL(join(src, 'codec/buffer-ids.ts')).href)};
    function thread(body) {
      const code = \`
        import { Worker, workerData } from 'node:worker_threads';
        const { words, url } = workerData;
        const { bufferOf, releaseBuffer, shareBuffer } = await import(url);
        ${TELL}
        \${body}
      \`;
      return new Worker(code, { eval: true, workerData: { words, url } });
    }
    ${source}
  `);
}

describe('a thread gets the very memory that another has shared', () => {
  test('from the main thread, which is blocked', async () => {
    const { out, err, code } = await run(`
      const buffer = holding(41);
      tell(1, shareBuffer(buffer));
      thread('const at = new Int32Array(bufferOf(until(1))); at[1] = at[0] + 1; tell(2, 1);');
      until(2);
      console.log(...new Int32Array(buffer));
    `);
    expect([out, err, code]).toEqual(['41 42\n', '', 0]);
  });

  test('from a Worker that never returns to its loop, in the main thread', async () => {
    const { out, err, code } = await run(`
      thread('const buffer = holding(1); tell(1, shareBuffer(buffer)); until(2); tell(3, new Int32Array(buffer)[1]);');
      const buffer = bufferOf(until(1));
      new Int32Array(buffer)[1] = 7;
      tell(2, 1);
      console.log(first(buffer), until(3));
    `);
    expect([out, err, code]).toEqual(['1 7\n', '', 0]);
  });

  test('from a Worker that spins, in one that was blocked, while the main thread is blocked from start to end', async () => {
    const { out, err, code } = await run(`
      thread('const at = new Int32Array(bufferOf(until(1))); at[1] = at[0] + 1; tell(2, 1); until(3);');
      thread('const buffer = holding(5); tell(1, shareBuffer(buffer));' +
        'while (Atomics.load(words, 2) === 0); tell(3, new Int32Array(buffer)[1]);');
      console.log(until(3));
    `);
    expect([out, err, code]).toEqual(['6\n', '', 0]);
  });

  test('in a Worker that is started later', async () => {
    const { out, err, code } = await run(`
      thread('tell(1, shareBuffer(holding(5))); until(3)');
      until(1);
      thread('tell(2, first(bufferOf(words[1]))); tell(3, 1)');
      console.log(until(2));
    `);
    expect([out, err, code]).toEqual(['5\n', '', 0]);
  });

  test('in a Worker that a Worker has started', async () => {
    const { out, err, code } = await run(`
      tell(1, shareBuffer(holding(5)));
      thread(\`
        new Worker('import { workerData } from "node:worker_threads"; const { words, url } = workerData;' +
          'const { bufferOf } = await import(url);' +
          'words[2] = new Int32Array(bufferOf(words[1]))[0]; Atomics.notify(words, 2);',
          { eval: true, workerData });
      \`);
      console.log(until(2));
    `);
    expect([out, err, code]).toEqual(['5\n', '', 0]);
  });

  test('also if it grows', async () => {
    const { out, err, code } = await run(`
      const buffer = new SharedArrayBuffer(8, { maxByteLength: 64 });
      tell(1, shareBuffer(buffer));
      thread('const buffer = bufferOf(words[1]); buffer.grow(32); tell(2, buffer.maxByteLength);');
      console.log(until(2), buffer.byteLength);
    `);
    expect([out, err, code]).toEqual(['64 32\n', '', 0]);
  });

  test('a thousand of them, from four threads at once, none mistaken for another', async () => {
    const { out, err, code } = await run(`
      for (let n = 0; n < 4; n++) thread(\`
        for (let k = 0; k < 250; k++) words[8 + \${n} * 250 + k] = shareBuffer(holding(\${n} * 250 + k));
        tell(1 + \${n}, 1);
        until(5);
      \`);
      for (let n = 0; n < 4; n++) until(1 + n);
      const ids = [...words.subarray(8, 1008)];
      console.log(new Set(ids).size, ids.every((id, index) => id > 0 && first(bufferOf(id)) === index));
      tell(5, 1);
    `);
    expect([out, err, code]).toEqual(['1000 true\n', '', 0]);
  });
});

describe('when the thread that shared a buffer has ended', () => {
  const PUTS_AND_ENDS = 'tell(1, shareBuffer(holding(5))); process.exit();';
  const READS = 'tell(2, first(bufferOf(until(1))));';

  test('others have it, though the main thread is blocked', async () => {
    const { out, err, code } = await run(`
      const unrelated = shareBuffer(holding(0));
      const putter = thread(\`${PUTS_AND_ENDS}\`);
      until(1);
      putter.terminate();
      Atomics.wait(words, 900, 0, 100);
      thread(\`${READS}\`);
      console.log(until(2));
    `);
    expect([out, err, code]).toEqual(['5\n', '', 0]);
  });

  test('and it was the first of the process, the main thread has it, which was blocked from before to after', async () => {
    const { out, err, code } = await run(`
      thread(\`${PUTS_AND_ENDS}\`);
      until(1);
      Atomics.wait(words, 900, 0, 200);
      console.log(first(bufferOf(words[1])));
    `);
    expect([out, err, code]).toEqual(['5\n', '', 0]);
  });

  test('and it was the first, others have it as soon as the main thread waits in heddle', async () => {
    const { out, err, code } = await run(`
      import { blockedSlice, endBlocked, lookWhileBlocked } from './blocked.ts';
      thread(\`${PUTS_AND_ENDS}\`);
      until(1);
      Atomics.wait(words, 900, 0, 200);
      thread(\`${READS}\`);
      while (words[2] === 0) {
        Atomics.wait(words, 2, 0, blockedSlice(Infinity));
        lookWhileBlocked();
      }
      endBlocked();
      console.log(words[2]);
    `);
    expect([out, err, code]).toEqual(['5\n', '', 0]);
  });

  test('and it was the first, others have it as soon as the main thread returns to its loop', async () => {
    const { out, err, code } = await run(`
      thread(\`${PUTS_AND_ENDS}\`);
      until(1);
      Atomics.wait(words, 900, 0, 200);
      thread(\`${READS}\`).on('exit', () => console.log(words[2]));
    `);
    expect([out, err, code]).toEqual(['5\n', '', 0]);
  });

  test('what the next one shares is kept as well', async () => {
    const { out, err, code } = await run(`
      thread(\`${PUTS_AND_ENDS}\`);
      until(1);
      Atomics.wait(words, 900, 0, 200);
      thread('tell(3, shareBuffer(holding(6))); until(4)');
      until(3);
      thread('tell(4, first(bufferOf(words[3])))');
      console.log(until(4));
    `);
    expect([out, err, code]).toEqual(['6\n', '', 0]);
  });
});

describe('shareBuffer()', () => {
  test('gives one buffer one id for as long as it has uses', () => {
    const buffer = new SharedArrayBuffer(8);
    const id = shareBuffer(buffer);
    expect(shareBuffer(buffer)).toBe(id);
    releaseBuffer(id);
    expect(bufferOf(id)).toBe(buffer);
    releaseBuffer(id);
    const next = shareBuffer(buffer);
    expect(next).not.toBe(id);
    releaseBuffer(next);
  });

  test('keeps a buffer alive that nobody else has', async () => {
    const id = shareBuffer(new SharedArrayBuffer(12));
    // WeakRefs hold on until the turn of the loop is over.
    await new Promise((resolve) => setImmediate(resolve));
    gc!();
    expect(bufferOf(id).byteLength).toBe(12);
    releaseBuffer(id);
  });

  test('refuses what is not shared memory', () => {
    expect(() => shareBuffer(new ArrayBuffer(8) as unknown as SharedArrayBuffer)).toThrow(TypeError);
  });
});

describe('releaseBuffer()', () => {
  test('of the last use makes the id void', () => {
    const id = shareBuffer(new SharedArrayBuffer(8));
    releaseBuffer(id);
    expect(() => bufferOf(id)).toThrow(SendError);
    expect(() => releaseBuffer(id)).toThrow(InvalidStateError);
  });

  test('of the last use lets the buffer go', async () => {
    const staying = shareBuffer(new SharedArrayBuffer(8));
    const going = Array.from({ length: 20 }, () => shareBuffer(new SharedArrayBuffer(8)));
    // What earlier tests have released may be there for some moments; nothing that has uses is missing.
    expect(await keptAfter(going.at(-1)!)).toEqual(expect.arrayContaining([staying, ...going]));
    for (const id of going) releaseBuffer(id);
    let kept = await keptAfter(staying);
    while (kept.length > 1) kept = await keptAfter(staying);
    expect(kept).toEqual([staying]);
    releaseBuffer(staying);
  });
});

/** What the custodian has, as it would tell the root's if it were another's; `one` is among it. */
function keptAfter(one: number): Promise<readonly number[]> {
  const { bus } = custody();
  const ids = new Set<number>();
  return new Promise((resolve) => {
    const listener: Listener = listenToBus(
      bus,
      (message) => {
        const { type, id } = message as { type: string; id: number };
        if (type !== 'keep') return;
        ids.add(id);
        if (id !== one) return;
        clearInterval(asking);
        // It says all without returning to its loop: those after this one are not far.
        setTimeout(() => {
          listener.close();
          resolve([...ids]);
        }, 20);
      },
      { hold: true },
    );
    const ask = (): void => postToBus(bus, { type: 'ready' });
    // The buffers go to it by its port: there is no order between that and the bus.
    const asking = setInterval(ask, 100);
    ask();
  });
}

describe('the process', () => {
  test('ends by itself, with its own code and no output, though buffers are shared and not released', async () => {
    const { out, err, code } = await run(`
      process.exitCode = 7;
      shareBuffer(holding(1));
      const worker = thread('tell(1, shareBuffer(holding(2)));');
      worker.on('exit', () => bufferOf(words[1]));
    `);
    expect([out, err, code]).toEqual(['', '', 7]);
  });

  test('ends by itself when only a Worker has shared something', async () => {
    const { out, err, code } = await run(`thread('shareBuffer(holding(2));');`);
    expect([out, err, code]).toEqual(['', '', 0]);
  });

  test('has no thread more before the first buffer', async () => {
    const { out, err, code } = await run(`
      import { subscribe } from 'node:diagnostics_channel';
      let started = 0;
      subscribe('worker_threads', () => started++);
      thread('tell(1, 1)').on('exit', () => {
        const before = started;
        shareBuffer(holding(1));
        console.log(before, started);
      });
    `);
    expect([out, err, code]).toEqual(['1 2\n', '', 0]);
  });
});
