/**
 * Functions made for one kind of value: an object literal with certain keys, a string of so many characters. They are several times as
 * fast as what can be written for all kinds. Where the runtime makes no functions of strings
 * (`--disallow-code-generation-from-strings`), there are none, and who asks goes the general way.
 */

/** The next value of those that are being read. */
export type Next = () => unknown;

/** An object that has certain keys, and the next values. */
export type MakeObject = (next: Next) => object;

/** A string of certain length, of the bytes from that index on. */
export type ReadText = (bytes: Uint8Array, at: number) => string;

/** Making one takes as long as a hundred slow calls. */
export const WORTH_IT = 100;

/** Such a literal calls no setter, but for the key `__proto__`, which must not be there. */
export function makeObjectWith(keys: readonly string[]): MakeObject | undefined {
  const fields = keys.map((key) => `${JSON.stringify(key)}:next()`);
  return makeFunction(['next'], `return {${fields.join(',')}}`) as MakeObject | undefined;
}

export function readLatin1Of(length: number): ReadText | undefined {
  return readText(length, (index) => `bytes[at+${index}]`);
}

export function readUtf16Of(length: number): ReadText | undefined {
  return readText(length, (index) => `bytes[at+${2 * index}]|bytes[at+${2 * index + 1}]<<8`);
}

function readText(length: number, codeAt: (index: number) => string): ReadText | undefined {
  const codes = Array.from({ length }, (_, index) => codeAt(index));
  const make = makeFunction(['text'], `return (bytes,at)=>text(${codes.join(',')})`);
  return make?.(String.fromCharCode as never) as ReadText | undefined;
}

let allowed = true;

function makeFunction(
  parameters: readonly string[],
  body: string,
): ((...args: never[]) => unknown) | undefined {
  if (!allowed) return undefined;
  try {
    return new Function(...parameters, `'use strict';${body}`) as (...args: never[]) => unknown;
  } catch {
    allowed = false;
    return undefined;
  }
}
