/** Where a CaptureError says that the function is: the call, else where it is written; and in which argument. */
import { expect, test } from 'vitest';
import { CaptureError } from '../../../src/core/errors.ts';
import { capture } from '../../../src/function/capture.ts';
import { type FunctionReference, referenceTo } from '../../../src/function/reference.ts';
import type { AnyFunction } from '../../../src/function/registry.ts';
import { Barrier, ThreadPoolExecutor } from '../../../src/index.ts';
import { encodeValue } from '../../../src/thread/values.ts';

const zone = 'eu';
const loc = (n: number): string => `${zone}${n}`;

const HERE = /\((?:written )?at \S*capture-error-place\.test\.ts:\d+:\d+\)/;

async function refusal(call: () => unknown): Promise<CaptureError> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(CaptureError);
    return error as CaptureError;
  }
  throw new Error('was not refused');
}

test('a CaptureError names a line of the program, wherever the function was on its way', async () => {
  await using pool = new ThreadPoolExecutor({ threads: 1 });
  const echo = (value: unknown): unknown => value;
  const calls: readonly (readonly [path: string, call: () => unknown])[] = [
    ['captured.values.loc: ', () => pool.submit(capture({ loc }, ({ loc }) => loc(1)))],
    ['args[0].options.f: ', () => pool.submit(echo, { options: { f: () => zone } })],
    ['', () => pool.map((fn: typeof loc) => fn(1), [loc]).next()],
    ['', () => pool.submit(echo, new Barrier(2, { action: () => void zone }))],
  ];
  for (const [path, call] of calls) {
    const { message, variables, code } = await refusal(call);
    expect(message).toMatch(HERE);
    expect(message).toContain(`${path}Cannot send function`);
    expect(variables).toEqual(['zone']);
    expect(code).toBe('ERR_HEDDLE_CAPTURE');
  }
});

test('a CaptureError is told the path once, and keeps its class and variables', async () => {
  const inside = capture({ loc }, ({ loc }) => loc(1));
  const { message } = await refusal(() => encodeValue([{ inside }], 'args'));
  expect(message).toMatch(/^args\[0\]\.inside\.captured\.loc: Cannot send function "loc"/);
});

test('a CaptureError that nobody of the program is on the stack for says where the function is written', async () => {
  const submit = (fn: AnyFunction): FunctionReference => referenceTo(fn, submit);
  const error = await refusal(() => {
    const { captureStackTrace } = Error;
    Error.captureStackTrace = (holder: { stack?: unknown }) => {
      holder.stack = 'Error\n    at node:internal/timers:1:1';
    };
    try {
      submit(loc);
    } finally {
      Error.captureStackTrace = captureStackTrace;
    }
  });
  expect(error.message).toMatch(/\(written at \S*capture-error-place\.test\.ts:\d+:\d+\)/);
});
