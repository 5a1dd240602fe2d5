/** Where inline functions are written, line by line: for stacks from other threads, and for debuggers that look at those. */
import { isDebugged, type Surroundings, scriptUrl, surroundingsOf } from '../platform/inspector.ts';
import { originalPosition, type ScriptPosition, sourceMap } from '../platform/source-maps.ts';
import type { InlineSource } from './inline.ts';
import type { AnyFunction } from './registry.ts';

/** Gives where a place of the expression is written; `undefined` if it was put there by us. */
export type WrittenPlace = (there: ScriptPosition) => (ScriptPosition & { readonly url: string }) | undefined;

/** For the expression of `fn`; `undefined` where the runtime does not tell. */
export function writtenPlaces(fn: AnyFunction, inline: InlineSource): WrittenPlace | undefined {
  const around = surroundingsOf(fn);
  const url = around && scriptUrl(around.script);
  return url === undefined ? undefined : placesOf(inline, around!, url);
}

/** Where a function is written, for messages: `file:line:column`. `undefined` where only its text is known. */
export function placeOf(around: Surroundings): string | undefined {
  const script = scriptUrl(around.script);
  // What a thread evaluates is called by the file it was written in, and has lines of its own.
  if (script === undefined || script.includes('#')) return undefined;
  const { url, line, column } = originalPosition(script, around);
  return `${url.replace(/^file:\/\//, '')}:${line + 1}:${column + 1}`;
}

function placesOf(
  { expression, anchor, begin, end }: InlineSource,
  around: Surroundings,
  url: string,
): WrittenPlace {
  const [anchored, first, last] = [anchor, begin, end].map((offset) => placeIn(expression, offset)) as [
    ScriptPosition,
    ScriptPosition,
    ScriptPosition,
  ];
  return (there) => {
    if (isBefore(there, first) || isBefore(last, there)) return undefined;
    return originalPosition(url, {
      line: around.line + there.line - anchored.line,
      column: there.column + (there.line === anchored.line ? around.column - anchored.column : 0),
    });
  };
}

/**
 * A source map, as a URL, of what a thread evaluates: the expression of `fn` behind `head`. Only while the process is being
 * debugged, for it takes a millisecond or so.
 */
export function sourceMapOf(fn: AnyFunction, inline: InlineSource, head: string): string | undefined {
  const find = isDebugged() ? writtenPlaces(fn, inline) : undefined;
  if (find === undefined) return undefined;
  const lines = inline.expression.split('\n').map((text, line) =>
    [...text.matchAll(/[\w$]+|[^\s\w$]/g)].flatMap(({ index: column }) => {
      const written = find({ line, column });
      return written === undefined ? [] : [{ column: column + (line === 0 ? head.length : 0), written }];
    }),
  );
  return sourceMap(lines);
}

function placeIn(text: string, offset: number): ScriptPosition {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length - 1, column: lines.at(-1)!.length };
}

function isBefore(one: ScriptPosition, other: ScriptPosition): boolean {
  return one.line < other.line || (one.line === other.line && one.column < other.column);
}
