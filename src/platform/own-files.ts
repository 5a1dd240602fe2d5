/** Where this library stands, as sources or as built; in stacks it is a URL, or a path if a loader has made it one. */

import { fileURLToPath } from 'node:url';

const OWN_FILES = new URL(import.meta.url.endsWith('.ts') ? '../' : './', import.meta.url);
const OWN_PLACES: readonly string[] = [OWN_FILES.href, fileURLToPath(OWN_FILES)];

/** Whether the name of a file, or a line of a stack, is of this library. */
export function isOwnPlace(text: string): boolean {
  return OWN_PLACES.some((place) => text.includes(place));
}
