/** heddle's own files, which lie beside each other: so it is not to be made part of somebody's bundle. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { InvalidStateError } from '../core/errors.ts';

/** Only webpack has it, which writes where the module stood, and not where it stands. */
declare const __webpack_require__: unknown;

/** Where this module stands: among the sources, or in the one folder of the built files. A bundle may know no such thing. */
const here: string | undefined = import.meta.url;
const areSources = here?.endsWith('.ts') ?? false;
const isWebpack = typeof __webpack_require__ !== 'undefined';
/** The name of the built file in which threads begin. Nobody else's file is called so. */
const THREAD_ENTRY = 'heddle-thread.js';

let whole: boolean | undefined;
let places: readonly string[] | undefined;

/** Whether the files are where they were installed, and the thread can start others and use heddle's dependencies. */
function isWhole(): boolean {
  whole ??=
    areSources || (here !== undefined && existsSync(new URL(`./${THREAD_ENTRY}`, here)) && !isWebpack);
  return whole;
}

/** The folder in which all of them lie; `undefined` in a bundle. */
function ownFolder(): URL | undefined {
  return isWhole() ? new URL(areSources ? '../' : './', here) : undefined;
}

/**
 * The URL of a module in which threads begin: `source` within the folder of the sources, `built` once it is built.
 *
 * @throws {InvalidStateError} heddle is part of a bundle.
 */
export function ownEntry(source: string, built: string = THREAD_ENTRY): URL {
  const folder = ownFolder();
  if (folder === undefined) throw bundled('start a thread');
  return new URL(areSources ? source : built, folder);
}

/**
 * What `require(name)` is to heddle's own files.
 *
 * @throws {InvalidStateError} heddle is part of a bundle.
 */
export function ownRequire(name: string): unknown {
  if (!isWhole()) throw bundled('send a function to a thread');
  return createRequire(here!)(name);
}

/** Whether the name of a file, or a line of a stack, is of heddle. */
export function isOwnPlace(text: string): boolean {
  places ??= placesOf(ownFolder());
  return places.some((place) => text.includes(place));
}

/** A URL, or a path if a loader has made it one. */
function placesOf(folder: URL | undefined): readonly string[] {
  return folder === undefined ? [] : [folder.href, fileURLToPath(folder)];
}

function bundled(action: string): InvalidStateError {
  return new InvalidStateError(
    `Cannot ${action}: heddle was made part of a bundle${here === undefined ? '' : ` (${here})`}, where it has no files in which threads can begin; ` +
      'use the plugin of heddle/bundler, or tell the bundler that heddle is external, and install it beside the program',
  );
}
