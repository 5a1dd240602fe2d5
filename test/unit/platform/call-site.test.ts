import { afterEach, expect, test } from 'vitest';
import { callerPosition, callerUrl } from '../../../src/platform/call-site.ts';

function publicUrl(): string | undefined {
  return internalUrl();
}
function internalUrl(): string | undefined {
  return callerUrl(publicUrl);
}
function publicPosition(): ReturnType<typeof callerPosition> {
  return callerPosition(publicPosition);
}

const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
afterEach(() => {
  if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
  else Object.defineProperty(Error, 'prepareStackTrace', before);
});

test('callerUrl() is the URL of the file that called the public function, through whatever lies between', () => {
  expect(publicUrl()).toBe(import.meta.url);
});

test('callerUrl() of code that was evaluated under a label is that file', () => {
  // biome-ignore lint/security/noGlobalEval: what is tested
  const evaluate = globalThis.eval;
  const call = evaluate('(fn) => fn()\n//# sourceURL=file:///src/image.ts#resize') as (
    fn: unknown,
  ) => unknown;
  expect(call(publicUrl)).toBe('file:///src/image.ts');
});

test('callerUrl() is the file of whoever called the library, where the public function is not on the stack', () => {
  expect(callerUrl(() => undefined)).toBe(import.meta.url);
});

test("callerUrl() leaves the program's own stack settings as they were", () => {
  const mine = (): string => 'mine';
  Error.prepareStackTrace = mine;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 7;
  try {
    expect(publicUrl()).toBe(import.meta.url);
    expect(Error.prepareStackTrace).toBe(mine);
    expect(Error.stackTraceLimit).toBe(7);
  } finally {
    Error.stackTraceLimit = limit;
  }
});

test('callerUrl() works with no stack to be rendered', () => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    expect(publicUrl()).toBe(import.meta.url);
  } finally {
    Error.stackTraceLimit = limit;
  }
});

test('callerPosition() is the line of the call in the source as written', () => {
  const here = publicPosition();
  expect(here?.file).toMatch(/call-site\.test\.ts$/);
  expect(here?.line).toBe(62);
});

test('callerPosition() is undefined where stacks are rendered as something else', () => {
  Error.prepareStackTrace = () => ['no text'];
  expect(publicPosition()).toBeUndefined();
});
