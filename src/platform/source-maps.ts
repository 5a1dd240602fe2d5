/** Where in the source, as it was written, a place in a script is: as far as this process reads source maps. */

import nodeModule from 'node:module';

/** Lines and columns from 0. */
export interface ScriptPosition {
  readonly line: number;
  readonly column: number;
}

/** The place in the original source, by the map that the runtime has read for its own stacks; else the one given. */
export function originalPosition(
  url: string,
  { line, column }: ScriptPosition,
): ScriptPosition & { readonly url: string } {
  const entry = nodeModule.findSourceMap?.(url)?.findEntry(line, column);
  if (entry === undefined || !('originalSource' in entry) || entry.originalSource === undefined)
    return { url, line, column };
  const { originalSource, originalLine, originalColumn } = entry;
  return { url: originalSource, line: originalLine, column: originalColumn };
}

/** A place in a line of what was made, and where that is written. */
export interface Mapping {
  readonly column: number;
  readonly written: ScriptPosition & { readonly url: string };
}

/** A source map, version 3, of lines that are made of one file: as a URL that holds it. */
export function sourceMap(lines: readonly (readonly Mapping[])[]): string | undefined {
  const file = lines.flat()[0]?.written.url;
  let [line, column] = [0, 0];
  const mappings = lines.map((places) => {
    let at = 0;
    return places
      .map(({ column: made, written }) => {
        // Everything but the file is told by how much it is more than the last.
        const segment = [made - at, 0, written.line - line, written.column - column].map(digits).join('');
        at = made;
        ({ line, column } = written);
        return segment;
      })
      .join(',');
  });
  if (file === undefined) return undefined;
  const map = JSON.stringify({ version: 3, sources: [file], names: [], mappings: mappings.join(';') });
  return `data:application/json;base64,${Buffer.from(map).toString('base64')}`;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** A number as source maps write it: the sign last, five bits a digit, the lowest first. */
function digits(value: number): string {
  let left = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = '';
  do {
    const bits = left & 31;
    left >>>= 5;
    text += DIGITS[left > 0 ? bits | 32 : bits];
  } while (left > 0);
  return text;
}
