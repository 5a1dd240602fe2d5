import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { scriptOf, scriptUrl, surroundingsOf, variableIn } from '../../../src/platform/inspector.ts';

// biome-ignore lint/security/noGlobalEval: what it evaluates is a script of its own
const evaluate = globalThis.eval;
const rate = 3;
const outer = (n: number): number => n * rate;

describe('surroundingsOf()', () => {
  test('gives the variables that a function sees, the innermost first, with their values of now', () => {
    let count = 1;
    const inner = (): number => count + outer(rate);
    count = 2;
    const { scopes } = surroundingsOf(inner)!;
    expect(variableIn(scopes, 'count')).toEqual([2]);
    expect(variableIn(scopes, 'rate')).toEqual([3]);
    expect(variableIn(scopes, 'outer')![0]).toBe(outer);
    expect(variableIn(scopes, 'nothing')).toBeUndefined();
  });

  test('knows no value of a variable whose line has not run', () => {
    const early = (): number => late;
    const { scopes } = surroundingsOf(early)!;
    expect(variableIn(scopes, 'late')?.[0]).toBeUndefined();
    const late = 1;
    expect(early()).toBe(late);
  });

  test('leaves nothing on the global object, and no session behind', () => {
    const before = Reflect.ownKeys(globalThis);
    for (let n = 0; n < 100; n++) surroundingsOf(outer);
    expect(Reflect.ownKeys(globalThis)).toEqual(before);
  });

  test('knows nothing of what is no function of JavaScript', () => {
    expect(surroundingsOf(Math.max)).toBeUndefined();
    expect(surroundingsOf({})).toBeUndefined();
  });
});

describe('scriptUrl()', () => {
  test('is the file of code on the stack, and of any other', () => {
    expect(scriptUrl(surroundingsOf(outer)!.script)).toBe(import.meta.url);
    const label = pathToFileURL('/somewhere/else.js').href;
    const elsewhere = evaluate(`(() => 1)\n//# sourceURL=${label}`) as () => number;
    expect(scriptUrl(surroundingsOf(elsewhere)!.script)).toBe(label);
  });

  test('is undefined for a script without a name, and for one that does not exist', () => {
    expect(scriptUrl(surroundingsOf(new Function('return 1'))!.script)).toBeUndefined();
    expect(scriptUrl('999999')).toBeUndefined();
  });
});

test('scriptOf() gives the text that the engine runs', () => {
  const fn = evaluate('/* its text */ (() => 1)') as () => number;
  expect(scriptOf(surroundingsOf(fn)!.script)).toMatchObject({
    source: '/* its text */ (() => 1)',
    startLine: 0,
  });
  expect(scriptOf('999999')).toBeUndefined();
});
