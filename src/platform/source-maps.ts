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
