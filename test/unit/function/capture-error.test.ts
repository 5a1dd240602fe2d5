/** What a CaptureError shows: a call that would work, made of the one that was refused. */
import fs from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CaptureError } from '../../../src/core/errors.ts';
import { capture } from '../../../src/function/capture.ts';
import { referenceTo, referenceToSource } from '../../../src/function/reference.ts';
import type { AnyFunction } from '../../../src/function/registry.ts';
import { ThreadPoolExecutor } from '../../../src/index.ts';
import * as maths from '../../fixtures/maths.ts';

const rate = 1.19;
const region = { name: 'eu' };
const countdown = async (n: number): Promise<string> =>
  n === 0 ? '' : join(String(n), await countdown(n - 1));
const scaled = (n: number): number => (n < 2 ? rate : n * scaled(n - 1));

class Money {
  readonly cents = 100;
  readonly plus = (n: number): number => this.cents + n;
  readonly bare = (): unknown => this;
}

function messageOf(fn: AnyFunction, api = 'submit'): string {
  const site = { [api]: (given: AnyFunction) => referenceTo(given, site as AnyFunction) }[api]!;
  try {
    site(fn);
  } catch (error) {
    expect(error).toBeInstanceOf(CaptureError);
    return (error as Error).message;
  }
  throw new Error('was not refused');
}

/** The line of code in a message, without quotes of one kind or the other: compilers differ there. */
function codeIn(message: string): string | undefined {
  return /^ {4}(.*)$/m.exec(message)?.[1]?.replaceAll("'", '"');
}

describe('a CaptureError shows a call that works', () => {
  test.each<readonly [what: string, fn: AnyFunction, code: string]>([
    [
      'with values',
      (net: number) => net * rate,
      'submit(capture({ rate }, ({ rate }, net) => net * rate), …)',
    ],
    [
      'with several values',
      function gross(net: number) {
        return net * rate + region.name.length;
      },
      'submit(capture({ rate, region }, function gross({ rate, region }, net) { return net * rate + region.name.length; }), …)',
    ],
    [
      'of an async function',
      async (net: number, { tip }: { tip: number }) => net * rate + tip,
      'submit(capture({ rate }, async ({ rate }, net, { tip }) => net * rate + tip), …)',
    ],
    [
      'of a generator',
      function* all() {
        yield rate;
      },
      'submit(capture({ rate }, function* all({ rate }) { yield rate; }), …)',
    ],
    [
      'of a method, which it makes a function',
      {
        async net(gross: number) {
          return gross / rate;
        },
      }.net,
      'submit(capture({ rate }, async function net({ rate }, gross) { return gross / rate; }), …)',
    ],
    [
      'that gives an object',
      (net: number) => ({ net, rate }),
      'submit(capture({ rate }, ({ rate }, net) => ({ net, rate })), …)',
    ],
    [
      'with what it takes of this',
      new Money().plus,
      'submit(capture({ cents: this.cents }, ({ cents }, n) => cents + n), …)',
    ],
    [
      'with what it takes of import.meta',
      () => import.meta.url,
      'submit(capture({ url: import.meta.url }, ({ url }) => …), …)',
    ],
    [
      'with imports inside',
      (path: string) => basename(path) + join(path, path),
      'submit(async (path) => { const { basename, join } = await import("node:path"); … }, …)',
    ],
    [
      'with an import of a file beside it, and values',
      (n: number) => maths.square(n) * rate,
      'submit(capture({ rate }, async ({ rate }, n) => { const { square } = await import("../../fixtures/maths.ts"); … }), …)',
    ],
    [
      'with the default export of a module',
      () => fs.existsSync('/'),
      'submit(async () => { const { default: fs } = await import("node:fs"); … }, …)',
    ],
    [
      'that is an arrow function which calls itself',
      countdown,
      'submit(async function countdown(n) { const { join } = await import("node:path"); … }, …)',
    ],
    [
      'without what is too long to read',
      (net: number) => {
        const list = [net * rate, net * rate * 2, net * rate * 3, net * rate * 4, net * rate * 5];
        return list.map((one) => one.toFixed(2)).join(' and then ');
      },
      'submit(capture({ rate }, ({ rate }, net) => { … }), …)',
    ],
  ])('%s', (_what, fn, code) => {
    expect(codeIn(messageOf(fn))).toBe(code);
  });

  test.each([
    ['toThread', 'toThread(capture({ rate }, ({ rate }) => rate), …)'],
    ['map', 'map(capture({ rate }, ({ rate }) => rate), items)'],
    ['ThreadPoolExecutor', 'initializer: capture({ rate }, ({ rate }) => rate)'],
    ['anything', 'capture({ rate }, ({ rate }) => rate)'],
  ])('of %s', (api, code) => {
    expect(codeIn(messageOf(() => rate, api))).toBe(code);
  });

  test('that can be run', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const refused = (net: number): number => net * rate;
    const code = codeIn(messageOf(refused))!;
    const call = new Function('submit', 'capture', 'rate', `return ${code.replace('…', '100')}`);
    const submit = (fn: AnyFunction, ...args: never[]): unknown => pool.submit(fn, ...args);
    expect(await call(submit, capture, rate)).toBeCloseTo(119);
  });
});

test.each<readonly [what: string, fn: AnyFunction]>([
  ['this itself', new Money().bare],
  ['a class', () => new Money()],
  ['a function that would have to pass its values on to itself', scaled],
])('a CaptureError for %s, of which nothing can go along, shows no code but the ways out', (_what, fn) => {
  const message = messageOf(fn);
  expect(codeIn(message)).toBeUndefined();
  expect(message).toContain('mark the function with portable(import.meta, fn)');
});

test('a CaptureError for a function inside an argument names the place of the call', async () => {
  await using pool = new ThreadPoolExecutor({ threads: 1 });
  const error = await pool
    .submit(
      (fn: () => number) => fn(),
      () => rate,
    )
    .error();
  expect((error as Error).message).toMatch(/capture-error\.test\.ts:\d+:\d+\)/);
});

test('a CaptureError for a text from a command line shows the function', () => {
  expect(() => referenceToSource('line => line + suffix', undefined)).toThrow(
    'capture({ suffix }, ({ suffix }, line) => line + suffix)',
  );
});
