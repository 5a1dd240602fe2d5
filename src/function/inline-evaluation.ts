/** Evaluating in this thread what another one has sent; and reading, there, the stacks of what that threw. */

import { importFrom, requireOf } from '../platform/modules.ts';
import type { InlineSource } from './inline.ts';
import { COVERAGE, IMPORT, NAME, printOf, REQUIRE } from './inline-text.ts';
import type { AnyFunction } from './registry.ts';
import { sourceMapOf, writtenPlaces } from './written-places.ts';

/** What is before the expression, on its first line. */
const HEAD = `"use strict";((${IMPORT},${NAME},${COVERAGE},${REQUIRE})=>(`;

/**
 * Evaluates the expression of an inline function: strict, as code in a module is, and labelled with its file, so that stacks
 * and functions inside name it.
 */
export function evaluateInline(
  source: string,
  base: string | undefined,
  name: string,
  map: string | undefined,
): AnyFunction {
  const address = `${base ?? 'heddle:inline'}#${encodeURIComponent(name || 'anonymous')}@${printOf(source)}`;
  // biome-ignore lint/security/noGlobalEval: evaluating functions of other threads is what this is for
  const indirect = globalThis.eval;
  const mapped = map === undefined ? '' : `//# sourceMappingURL=${map}\n`;
  const make = indirect(`${HEAD}${source}\n))\n${mapped}//# sourceURL=${address}`) as (
    load: unknown,
    keepName: unknown,
    counters: unknown,
    require: unknown,
  ) => AnyFunction;
  const load = (specifier: unknown, options?: unknown): unknown =>
    importFrom(String(specifier), base, options);
  const require = source.includes(REQUIRE) ? requireOf(base) : undefined;
  const fn = make(load, setName, counters, require);
  return fn.name === name ? fn : setName(fn, name);
}

export function setName<F extends AnyFunction>(fn: F, value: string): F {
  return Object.defineProperty(fn, 'name', { value, configurable: true });
}

/** Takes what the counters of a coverage tool do, `cov_1().s[2]++`, and keeps nothing: they count in their own thread. */
export const counters: unknown = new Proxy(() => counters, {
  get: (_target, key) => (key === Symbol.toPrimitive ? () => 0 : counters),
  set: () => true,
});

interface Sent {
  readonly inline: InlineSource;
  /** One of those with this text. */
  fn: WeakRef<AnyFunction>;
}

/** What was sent from here, by the print of its text. */
const sent = new Map<string, Sent>();
const MOST_SENT = 4096;

/** Notes that `fn` goes to other threads as `inline`. Gives the source map to send along, if a debugger may want one. */
export function noteSent(fn: AnyFunction, inline: InlineSource): string | undefined {
  const known = sent.get(inline.print);
  if (known === undefined) {
    if (sent.size >= MOST_SENT) sent.clear();
    sent.set(inline.print, { inline, fn: new WeakRef(fn) });
  } else if (known.fn.deref() === undefined) known.fn = new WeakRef(fn);
  return sourceMapOf(fn, inline, HEAD);
}

/** Functions that were sent, of each text one, while they are there. */
export function* sentInline(): Generator<AnyFunction> {
  for (const { fn } of sent.values()) {
    const there = fn.deref();
    if (there !== undefined) yield there;
  }
}

/** `at name (file:///its/file.ts#name@print:line:column)`, with or without a name. */
const FRAME = /^( {4}at (?:async )?)(?:(.*) \()?(\S+#[^\s#@]*@([\da-z]+-[\da-z]+)):(\d+):(\d+)\)?$/;

/** Whether a stack has frames of functions that some thread evaluated. */
export function hasInlineFrames(stack: string): boolean {
  return /#\S*@[\da-z]+-[\da-z]+:\d/.test(stack);
}

/**
 * A stack from another thread, with the frames of inline functions that were sent from here where they are written: as far as
 * this runtime tells where that is. They are found while they are there still, as `fn` is, whose text is `source`.
 */
export function writtenStack(stack: string, fn?: AnyFunction, source?: string): string {
  const print = source === undefined ? '' : printOf(source);
  return stack
    .split('\n')
    .map((line) => writtenFrame(line, (other) => (other === print ? fn : undefined)) ?? line)
    .join('\n');
}

function writtenFrame(frame: string, find: (print: string) => AnyFunction | undefined): string | undefined {
  const [, at = '', name, , print = '', line, column] = FRAME.exec(frame) ?? [];
  const { inline, fn } = sent.get(print) ?? {};
  const original = find(print) ?? fn?.deref();
  if (original === undefined || inline === undefined) return undefined;
  const position = writtenPlaces(
    original,
    inline,
  )?.({
    line: Number(line) - 1,
    column: Number(column) - 1 - (line === '1' ? HEAD.length : 0),
  });
  if (position === undefined) return undefined;
  const place = `${position.url}:${position.line + 1}:${position.column + 1}`;
  // What is evaluated and has no name is called so.
  return name === undefined || name === 'eval' ? `${at}${place}` : `${at}${name} (${place})`;
}
