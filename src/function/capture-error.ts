/** The error for a function that cannot travel as it is: what it uses, where that is written, and what would work. */

import { CaptureError } from '../core/errors.ts';
import type { WrittenIn } from './found-export.ts';
import type { CapturedName } from './inline.ts';
import { localName, MOST, type Refused, Repair } from './repair.ts';

/** An error whose message has a line of code that works, or else says what to do. */
export function captureError(refused: Refused): CaptureError {
  const { name, free, place, written } = refused;
  const names = [...new Set(free.map((one) => shownName(one, written)))];
  const one = names.length === 1;
  const repair = new Repair(refused);
  const ways = [
    one ? 'pass it as an argument' : 'pass them as arguments',
    'mark the function with portable(import.meta, fn)',
    ...(written === undefined ? [] : ['export it from its module']),
    ...(repair.imports && repair.code !== undefined ? [] : ['import inside the function: await import(…)']),
  ];
  const wayOut = `${ways.slice(0, -1).join(', ')}, or ${ways.at(-1)}`;
  const copied =
    repair.assigned.length === 0
      ? ''
      : `. It assigns to ${list(repair.assigned)}: a thread has a copy, and an assignment there is not seen here`;
  return new CaptureError(
    `Cannot send function ${name === '' ? '' : `"${name}" `}to another thread: it uses ${list(names)} from its surroundings, which ${one ? 'does' : 'do'} not exist there${place === undefined ? '' : ` (${place})`}` +
      copied +
      (repair.code === undefined ? `; ${wayOut}` : `. ${repair.advice}:\n    ${repair.code}\nor ${wayOut}`),
    names,
  );
}

function list(names: readonly string[]): string {
  const parts = names.slice(0, MOST).map((name) => `"${name}"`);
  if (names.length > parts.length) parts.push(`${names.length - parts.length} more`);
  return parts.length === 1 ? parts.join() : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** As a reader would name it: build tools leave no name of a default import. */
function shownName({ name, shown }: CapturedName, written: WrittenIn | undefined): string {
  const specifier = shown === 'default' ? written?.imports.get(name)?.specifier : undefined;
  return specifier === undefined ? shown : localName(specifier);
}
