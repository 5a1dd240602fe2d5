/** Where a public function of ours was called from: read off the stack, 5-10 µs, so only when somebody needs it. */

import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isOwnPlace } from './own-files.ts';

/** The function whose caller is looked for: it must be on the stack, and everything above it is left out. */
// biome-ignore lint/complexity/noBannedTypes: what Error.captureStackTrace takes
export type Site = Function;

/** A place in a source file, as a reader would name it. */
export interface Position {
  /** A path, or a URL where the file has none. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The part of V8's structured stack frames used here; Bun and Deno have it too. */
interface Frame {
  getFileName(): string | null | undefined;
  getScriptNameOrSourceURL?(): string | null | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
}

/**
 * The URL of the file in which the caller of `site` is written, or of our library if `site` is not on the stack;
 * `undefined` if the stack does not tell.
 */
export function callerUrl(site: Site): string | undefined {
  return callerPlace(site)?.url;
}

/** The same with the line and the column of the script as it runs: to tell one call from another. */
export function callerPlace(
  site: Site,
): { readonly url: string | undefined; readonly at: string } | undefined {
  const own = (frame: Frame): boolean => isOwn(nameOf(frame));
  const named = (frame: Frame): boolean => nameOf(frame) !== '';
  const frame =
    framesBelow(site).find(named) ?? framesBelow(callerPlace).find((one) => named(one) && !own(one));
  if (frame === undefined) return undefined;
  return { url: moduleUrlOf(nameOf(frame)), at: `${frame.getLineNumber()}:${frame.getColumnNumber()}` };
}

function nameOf(frame: Frame): string {
  return frame.getFileName() ?? frame.getScriptNameOrSourceURL?.() ?? '';
}

function isOwn(name: string): boolean {
  return /^(?:node|ext|bun|native|internal):/.test(name) || isOwnPlace(name);
}

/** The URL of the file that a script is called by; `undefined` for what is not from a file. */
export function moduleUrlOf(name: string): string | undefined {
  if (isAbsolute(name)) return pathToFileURL(name).href;
  // A program given as `node -e` or typed into a prompt imports from the working directory.
  if (/^(?:\[(?:eval|stdin)|REPL\d)/.test(name)) return pathToFileURL(join(process.cwd(), '/')).href;
  // Code that a thread evaluates is labelled `file:///its/file.ts#name`: its file is the one it was written in.
  const url = name.replace(/#.*$/s, '');
  return /^(?:file|data|https?|blob|npm|jsr):/.test(url) ? url : undefined;
}

/**
 * Where `site` was called, in the lines of the original source where source maps are in use; where our library was, if
 * `site` is not on the stack, or was called by the library itself. For messages.
 */
export function callerPosition(site: Site): Position | undefined {
  return positionBelow(site) ?? positionBelow(callerPosition);
}

function positionBelow(site: Site): Position | undefined {
  const holder: { stack?: unknown } = {};
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', DEPTH_OF_MESSAGES);
  try {
    // The stack is rendered by whoever maps sources here (Node's source maps, tsx, vitest): only the text has that.
    Error.captureStackTrace(holder, site);
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  }
  if (typeof holder.stack !== 'string') return undefined;
  for (const line of holder.stack.split('\n')) {
    const match = /(?:\(|at (?:async )?|@)([^()\s][^()]*?):(\d+):(\d+)\)?$/.exec(line.trim());
    if (match?.[1] === undefined || isOwn(match[1])) continue;
    return { file: match[1].replace(/^file:\/\//, ''), line: Number(match[2]), column: Number(match[3]) };
  }
  return undefined;
}

/** So many frames of ours may be between a value that is sent and whoever sends it. */
const DEPTH = 24;
/** More of them, for a value that is deep inside another. */
const DEPTH_OF_MESSAGES = 200;

function framesBelow(site: Site): readonly Frame[] {
  const holder: { stack?: unknown } = {};
  const { prepareStackTrace, stackTraceLimit } = Error;
  const hadOwn = Object.hasOwn(Error, 'prepareStackTrace');
  try {
    // By assignment: on Bun these are accessors in disguise, which a redefinition would break for good.
    Error.prepareStackTrace = (_error, frames) => frames;
    Error.stackTraceLimit = DEPTH;
    Error.captureStackTrace(holder, site);
    return Array.isArray(holder.stack) ? (holder.stack as Frame[]) : [];
  } catch {
    return []; // a frozen Error: the stack cannot be had
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
    if (hadOwn) Reflect.set(Error, 'prepareStackTrace', prepareStackTrace);
    else Reflect.deleteProperty(Error, 'prepareStackTrace');
  }
}
