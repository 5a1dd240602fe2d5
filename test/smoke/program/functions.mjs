/** What the runtime must tell of functions: where they are written, and what is around them. */
import { readFileSync } from 'node:fs';
import { CaptureError, toThread } from 'heddle';
import { check, equal, ok, rejection } from './check.mjs';
import * as exported from './exported.mjs';

const untold = { bun: 'Bun has no inspector', deno: 'the inspector of Deno answers later only' };

check(
  'an exported function that uses its module runs without a mark',
  async () => {
    equal(await toThread(exported.scaled, '/a/b'), 'b 3');
  },
  untold,
);

check(
  'a function runs with the helpers that a compiler gave it',
  async () => {
    equal(await toThread(exported.lowered.sum, 2, 3), 5);
  },
  untold,
);

check(
  'the stack of an inline function shows where it is written',
  async () => {
    const { stack } = await rejection(toThread(exported.failing.fn), Error);
    const lines = readFileSync(new URL('./exported.mjs', import.meta.url), 'utf8').split('\n');
    const line = lines.findIndex((text) => text.includes("Error('on purpose')")) + 1;
    ok(stack.includes(`exported.mjs:${line}:11`), stack);
  },
  untold,
);

check('a CaptureError shows a call that would work', async () => {
  const factor = Number('3'); // Bun puts a constant into the function itself
  const { message } = await rejection(
    toThread((n) => n * factor),
    CaptureError,
  );
  ok(message.includes('capture({ factor }, ({ factor }, n) => n * factor)'), message);
});

check('an inline function of a CommonJS module may call require()', async () => {
  const size = new Function('name', 'return require("node:path").basename(name)');
  equal(await toThread(size, '/a/b'), 'b');
});
