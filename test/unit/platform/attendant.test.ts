import { expect, test } from 'vitest';
import { Attendant } from '../../../src/platform/attendant.ts';
import { runProgram } from './program.ts';

/** Doubles what it is sent, and raises a word after it. */
const DOUBLES = `
  import { workerData } from 'node:worker_threads';
  const { port, settings } = workerData.heddleAttendant;
  port.on('message', (message) => {
    if (message === 'end') process.exit(0);
    port.postMessage(2 * message);
    Atomics.add(settings.words, 0, 1);
    Atomics.notify(settings.words, 0);
  });
`;
const entry = new URL(`data:text/javascript,${encodeURIComponent(DOUBLES)}`);

test('an attendant answers its starter while that is blocked', async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const attendant = new Attendant(entry, 'test attendant', { words }, () => {});
  expect(attendant.take()).toBe(undefined);
  attendant.post(21);
  Atomics.wait(words, 0, 0);
  expect([attendant.take(), attendant.take()]).toEqual([42, undefined]);
  await attendant.terminate();
});

test('the end of an attendant is told', async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  await new Promise<void>((resolve) => {
    const attendant = new Attendant(entry, 'test attendant', { words }, resolve);
    attendant.post('end');
    // Nothing of it keeps this thread's loop alive: vitest does.
  });
});

test('an attendant keeps no process up, and runs in one that was given as text', async () => {
  const { out, err, code } = await runProgram(`
    import { Attendant } from './attendant.ts';
    const words = new Int32Array(new SharedArrayBuffer(4));
    const attendant = new Attendant(new URL(${JSON.stringify(entry.href)}), 'test', { words }, () => console.log('ended'));
    attendant.post(4);
    Atomics.wait(words, 0, 0);
    console.log(attendant.take());
  `);
  expect([out, err, code]).toEqual(['8\n', '', 0]);
});
