/** A module's text with the modules for threads named in the way of a bundler. */
import { type SourcePlace, sourcePlaces } from './source-places.ts';

/** What a bundler makes of the modules named in another. */
export interface Naming {
  /**
   * An expression for the URL of the module that `specifier` means, or for the module's own without one, wherever the code
   * that holds it ends up; or for a function that imports it. `undefined`: it is not bundled, and found as it is written.
   */
  url(specifier: string | undefined): Promise<string | undefined>;
  /** What to write for an `import()`; `undefined` to leave it as it is. `sent`: it runs in a thread. */
  import(specifier: string, sent: boolean): Promise<string | undefined>;
}

/** heddle itself stays outside of every bundle: its threads begin in files of its own. */
export const HEDDLE: RegExp = /^heddle(?:\/|$)/;

/** Text of which a bundler, or TypeScript, has to make something. */
export const SOURCE: RegExp = /\.[cm]?[jt]sx?(?:\?|$)/;

/** What a specifier may mean, to be tried in order: TypeScript writes `./x.js` for `./x.ts`. */
export function candidates(specifier: string): readonly string[] {
  const match = /^(\.{1,2}\/.*\.[cm]?)js(x?)$/s.exec(specifier);
  if (match === null) return [specifier];
  const [, stem, x] = match;
  return [specifier, ...(x === '' ? [`${stem}ts`] : []), `${stem}tsx`];
}

/**
 * What `import()` of a CommonJS file would be, where Node would not find the names that a bundler exports in its own way.
 * `require` is what that is called there. No syntax that a bundler might have to write in another way.
 */
export function importByRequire(require: string, file: string): string {
  return `Promise.resolve().then(() => ${require}(${file})).then((m) => m && m.__esModule ? m : Object.assign({}, m, { default: m }))`;
}

/**
 * The text with its places renamed; `undefined` if there is nothing to do.
 *
 * What stands behind a place on its line may move, and nothing else does: no line is added but at the end, so source maps
 * stay right without a map of their own.
 */
export async function rewrite(text: string, id: string, naming: Naming): Promise<string | undefined> {
  const edits: { place: SourcePlace; text: string }[] = [];
  const named: Named[] = [];
  for (const place of sourcePlaces(text, /x(?:\?|$)/.test(id))) {
    if (place.kind === 'name') {
      edits.push({ place, text: place.text });
      continue;
    }
    if (place.kind === 'import') {
      const written = await naming.import(place.specifier, place.sent);
      if (written !== undefined) edits.push({ place, text: written });
      continue;
    }
    const own = place.kind === 'own';
    const url = await naming.url(own ? undefined : place.specifier);
    if (url === undefined) continue;
    const known = named.findIndex((one) => one.url === url && one.own === own);
    const index = known === -1 ? named.push({ url, own }) - 1 : known;
    // Exactly as long as `import.meta`.
    edits.push({ place, text: `__heddle${index}()` });
  }
  if (edits.length === 0) return undefined;
  return withFunctions(apply(text, edits), named);
}

/** A module that the text names by its URL. */
interface Named {
  readonly url: string;
  /** Whether it is the one that is written there, and so stands for its `import.meta`. */
  readonly own: boolean;
}

function apply(text: string, edits: readonly { place: SourcePlace; text: string }[]): string {
  let result = '';
  let from = 0;
  for (const { place, text: replacement } of edits) {
    const lines = text.slice(place.start, place.end).replace(/[^\n]/g, '');
    result += text.slice(from, place.start) + replacement + lines;
    from = place.end;
  }
  return result + text.slice(from);
}

/**
 * Function declarations, for those are there before the first line of the module runs. Each copy of the module that a bundle has
 * makes its own one: by that heddle tells them apart.
 */
function withFunctions(text: string, named: readonly Named[]): string {
  const functions = named.map(({ url, own }, index) => {
    const name = `__heddle${index}`;
    return `function ${name}() { return ${own ? `{ url: ${url}, copy: ${name} }` : url}; }\n`;
  });
  return functions.length === 0 ? text : `${text}\n${functions.join('')}`;
}
