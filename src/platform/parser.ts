/** The JavaScript parser, loaded when the first function without a name is sent, and never in a program without one. */

import type * as acorn from 'acorn';
import { ownRequire } from './own-files.ts';

let parser: typeof acorn | undefined;

/**
 * The syntax tree of a piece of a module.
 *
 * @throws {SyntaxError} The source is not JavaScript that a module could contain.
 */
export function parseModule(source: string): acorn.Program {
  parser ??= ownRequire('acorn') as typeof acorn;
  return parser.parse(source, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    // A function is taken out of its surroundings: what it took from them is for the reader of the tree to say.
    allowSuperOutsideMethod: true,
    checkPrivateFields: false,
  });
}
