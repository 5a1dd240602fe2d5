import { expect, test } from 'vitest';
import { listenToBus, postToBus, takesFromBus } from '../../../src/platform/bus.ts';
import { runProgram } from './program.ts';

test('a listener hears in order what is posted under its name from then on, and nothing else', async () => {
  postToBus('test-order', 'before');
  const heard: unknown[] = [];
  await new Promise<void>((resolve) => {
    const listener = listenToBus(
      'test-order',
      (message) => {
        heard.push(message);
        if (message !== 'last') return;
        listener.close();
        resolve();
      },
      { hold: true },
    );
    postToBus('test-order', 1);
    postToBus('test-other', 'other');
    postToBus('test-order', 2);
    postToBus('test-order', 'last');
  });
  expect(heard).toEqual([1, 2, 'last']);
});

test.runIf(takesFromBus)(
  'messages are taken without returning to the loop, and shared memory is the same',
  () => {
    const listener = listenToBus('test-take');
    const buffer = new SharedArrayBuffer(4);
    postToBus('test-take', { buffer });
    const taken = listener.take() as { buffer: SharedArrayBuffer };
    new Int32Array(taken.buffer)[0] = 9;
    expect([new Int32Array(buffer)[0], listener.take()]).toEqual([9, undefined]);
    listener.close();
  },
);

test.runIf(takesFromBus)('what was taken is not heard as well', async () => {
  const heard: unknown[] = [];
  await new Promise<void>((resolve) => {
    const listener = listenToBus(
      'test-both',
      (message) => {
        heard.push(message);
        listener.close();
        resolve();
      },
      { hold: true },
    );
    postToBus('test-both', 1);
    postToBus('test-both', 2);
    expect(listener.take()).toBe(1);
  });
  expect(heard).toEqual([2]);
});

test('a listener keeps the process up only if it is to', async () => {
  const source = (options: string) => `
    import { listenToBus, postToBus } from './bus.ts';
    const listener = listenToBus('test-hold', (message) => { console.log(message); listener.close(); }${options});
    setTimeout(() => postToBus('test-hold', 'heard'), 50).unref();
  `;
  expect((await runProgram(source(''))).out).toBe('');
  const holding = await runProgram(source(', { hold: true }').replace('.unref()', ''));
  expect([holding.out, holding.code]).toEqual(['heard\n', 0]);
});
