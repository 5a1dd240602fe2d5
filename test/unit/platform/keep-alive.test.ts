import { expect, test } from 'vitest';
import { InvalidStateError } from '../../../src/core/errors.ts';
import { holdLoop, releaseLoop } from '../../../src/platform/keep-alive.ts';
import { runProgram } from './program.ts';

/** Ends with 13 if the loop is let go before the word is told, which takes 100 ms. */
function awaiting(before: string, end = 'releaseLoop();'): string {
  return `
    import { holdLoop, releaseLoop } from './keep-alive.ts';
    const word = new Int32Array(new SharedArrayBuffer(4));
    ${before}
    await Atomics.waitAsync(word, 0, 0, 100).value;
    console.log('told');
    ${end}
  `;
}

test('holdLoop() keeps the process up while somebody awaits shared memory, and releaseLoop() lets it end', async () => {
  const { out, code } = await runProgram(awaiting('holdLoop();'));
  expect([out, code]).toEqual(['told\n', 0]);
});

test('holdLoop() is counted: the loop stays until the last hold was given back', async () => {
  const { out, code } = await runProgram(awaiting('holdLoop(); holdLoop(); releaseLoop();'));
  expect([out, code]).toEqual(['told\n', 0]);
});

test('releaseLoop() of every hold lets the loop end though somebody awaits', async () => {
  const { out, code } = await runProgram(awaiting('holdLoop(); holdLoop(); releaseLoop(); releaseLoop();'));
  expect([out, code]).toEqual(['', 13]);
});

test('holdLoop() works again after everything was released', async () => {
  const { out, code } = await runProgram(awaiting('holdLoop(); releaseLoop(); holdLoop();'));
  expect([out, code]).toEqual(['told\n', 0]);
});

test('holdLoop() holds the loop of a Worker as well, and lets it end', async () => {
  const worker = awaiting('holdLoop();').replace("'./keep-alive.ts'", `\${JSON.stringify(url)}`);
  const { out, code } = await runProgram(`
    import { Worker } from 'node:worker_threads';
    const url = new URL('keep-alive.ts', 'file://' + process.cwd() + '/').href;
    const source = \`${worker}\`;
    new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
  `);
  expect([out, code]).toEqual(['told\n', 0]);
});

test('holdLoop() does not keep the asynchronous context of whoever called it first', async () => {
  const { out } = await runProgram(`
    import { AsyncLocalStorage } from 'node:async_hooks';
    import { holdLoop, releaseLoop } from './keep-alive.ts';
    let store: object | undefined = { big: true };
    const kept = new WeakRef(store);
    new AsyncLocalStorage().run(store, holdLoop);
    store = undefined;
    setTimeout(() => {
      gc();
      console.log(kept.deref());
      releaseLoop();
    });
  `);
  expect(out).toBe('undefined\n');
});

test('releaseLoop() without a hold is refused, and takes none away', () => {
  expect(() => releaseLoop()).toThrow(InvalidStateError);
  holdLoop();
  releaseLoop();
  expect(() => releaseLoop()).toThrow('Cannot release the event loop: nothing holds it');
});
