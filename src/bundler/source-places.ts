/**
 * Where the text of a module speaks of modules that threads import. The text may be TypeScript, so it is read token by
 * token and not parsed.
 */
import { nesting, Tokens } from './tokens.ts';

/** A stretch of the text that names a module for threads. */
export type SourcePlace =
  /** The `import.meta` of `portable(import.meta, …)`, or `import.meta.url`: this very module. */
  | { readonly kind: 'own'; readonly start: number; readonly end: number }
  /** Before the end of such a call: an argument for the name that the function has here, for minifiers take it away. */
  | { readonly kind: 'name'; readonly start: number; readonly end: number; readonly text: string }
  /** The argument of `pool.import(…)`: a function that imports, or a URL. */
  | { readonly kind: 'argument'; readonly start: number; readonly end: number; readonly specifier: string }
  /** Any other `import('./x.js')`. `sent`: in what is handed to a thread. */
  | {
      readonly kind: 'import';
      readonly start: number;
      readonly end: number;
      readonly specifier: string;
      readonly sent: boolean;
    };

/** Functions that name the module which calls them, with the number of arguments before that of the name. */
const MARKS: ReadonlyMap<string, number> = new Map([
  ['portable', 2],
  ['registerClass', 3],
]);
/** Functions and methods that take functions for other threads, and hardly anything else is called so. */
const SENDERS = ['capture', 'submit', 'submitSync', 'toThread', 'toThreadSync', 'trySubmit'];
/** Those that only a module which imports heddle is trusted to mean. */
const OWN_SENDERS = [...SENDERS, 'EventLoopPool', 'EventLoopThread', 'map', 'ThreadPoolExecutor'];

/** What a text has in it if there are such places. A pool may come from another module of the program. */
export const SPEAKS: RegExp = new RegExp(String.raw`heddle|\.\s*import\b|\b(?:${SENDERS.join('|')})\b`);

/**
 * The places in `text`, in order. Of a module that does not import heddle, only those that can hardly mean anything else.
 * `jsx`: whether it may hold JSX.
 */
export function sourcePlaces(text: string, jsx: boolean): readonly SourcePlace[] {
  return SPEAKS.test(text) ? new Reader(new Tokens(text, jsx)).places() : [];
}

/** Brackets around a place. */
interface Around {
  /** What is called with the parenthesis. */
  readonly callee: string;
  /** What the statement within them that is being read gives a name. */
  declared: string | undefined;
}

class Reader {
  readonly #tokens: Tokens;
  readonly #importsHeddle: boolean;
  /** What the marks are called in this module, as in {@link MARKS}. */
  readonly #marks = new Map<string, number>();
  readonly #senders: ReadonlySet<string>;
  /** The names of functions that are handed to threads. */
  readonly #sent: ReadonlySet<string>;
  /** Found before what stands within the calls that they end. */
  readonly #names: SourcePlace[] = [];

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
    this.#importsHeddle = this.#readImports();
    this.#senders = new Set(this.#importsHeddle ? OWN_SENDERS : SENDERS);
    this.#sent = new Set(this.#sentNames());
  }

  places(): readonly SourcePlace[] {
    return [...this.#all(), ...this.#names].sort((a, b) => a.start - b.start);
  }

  *#all(): Generator<SourcePlace> {
    const tokens = this.#tokens;
    const around: Around[] = [{ callee: '', declared: undefined }];
    for (let at = 0; at < tokens.length; at++) {
      const { text } = tokens.at(at);
      const depth = nesting(text);
      if (depth > 0) around.push({ callee: text === '(' ? tokens.callee(at) : '', declared: undefined });
      else if (depth < 0 && around.length > 1) around.pop();
      else if (text === ';') around.at(-1)!.declared = undefined;
      else if (this.#declares(at)) around.at(-1)!.declared = this.#declared(at);
      else if (this.#mark(at) !== undefined) yield* this.#own(at, this.#mark(at)!);
      else if (text === 'import' && tokens.isMember(at)) {
        const argument = this.#argument(at);
        if (argument === undefined) continue;
        yield argument.place;
        // Its parentheses are balanced.
        at = argument.last;
      } else if (text === 'import') yield* this.#import(at, around);
    }
  }

  /** Whether the module imports heddle; and what it calls what marks functions. */
  #readImports(): boolean {
    let imports = false;
    for (let at = 0; at < this.#tokens.length; at++) {
      if (!this.#tokens.is(at, 'from') || !/^heddle(?:\/|$)/.test(this.#tokens.literal(at + 1) ?? ''))
        continue;
      imports = true;
      this.#readNames(at - 1);
    }
    return imports;
  }

  /** `import { portable as mark } from 'heddle'`, read from its closing brace back. */
  #readNames(close: number): void {
    const tokens = this.#tokens;
    if (!tokens.is(close, '}')) return;
    for (let at = close - 1; at > 0 && !tokens.is(at, '{'); at--) {
      const name = tokens.at(at).text;
      const before = MARKS.get(name);
      if (before === undefined) continue;
      this.#marks.set(tokens.is(at + 1, 'as') ? tokens.at(at + 2).text : name, before);
    }
  }

  /** `pool.submit(job, …)` and `capture({ … }, job)`. */
  *#sentNames(): Generator<string> {
    const tokens = this.#tokens;
    for (let at = 0; at < tokens.length; at++) {
      if (!this.#senders.has(tokens.name(at) ?? '')) continue;
      const open = tokens.opening(at + 1);
      if (open === undefined) continue;
      const close = tokens.closing(open) ?? open;
      const alone = tokens.is(open + 2, ',') || tokens.is(open + 2, ')') ? tokens.name(open + 1) : undefined;
      const last = tokens.is(close - 2, ',') ? tokens.name(close - 1) : undefined;
      const name = tokens.is(at, 'capture') ? last : alone;
      if (name !== undefined) yield name;
    }
  }

  #declares(at: number): boolean {
    return /^(?:const|let|var|function)$/.test(this.#tokens.name(at) ?? '') && !this.#tokens.isMember(at);
  }

  #declared(at: number): string | undefined {
    return this.#tokens.name(this.#tokens.is(at + 1, '*') ? at + 2 : at + 1);
  }

  /** How many arguments a mark takes before the name; `undefined` if this is none. */
  #mark(at: number): number | undefined {
    const name = this.#tokens.name(at);
    if (name === undefined || !this.#importsHeddle) return undefined;
    return this.#tokens.isMember(at) ? MARKS.get(name) : this.#marks.get(name);
  }

  *#own(at: number, before: number): Generator<SourcePlace> {
    const tokens = this.#tokens;
    const open = tokens.opening(at + 1);
    if (open === undefined || !tokens.is(open + 1, 'import', '.', 'meta')) return;
    const comma = tokens.is(open + 4, '.', 'url') ? open + 6 : open + 4;
    const close = tokens.closing(open);
    if (!tokens.is(comma, ',') || close === undefined) return;
    yield { kind: 'own', start: tokens.at(open + 1).start, end: tokens.at(comma - 1).end };
    const name = this.#name(comma + 1, close, before - 2);
    if (name !== undefined) this.#names.push(name);
  }

  /**
   * The argument to be added to a call whose second one begins at `at`, and that ends with the parenthesis at `close`.
   * `between`: how many may stand between that one and the name.
   */
  #name(at: number, close: number, between: number): SourcePlace | undefined {
    const tokens = this.#tokens;
    const end = tokens.is(close - 1, ',') ? close - 1 : close;
    const place = (value: string, given: number): SourcePlace => {
      const start = tokens.at(end - 1).end;
      return { kind: 'name', start, end: start, text: `, ${'undefined, '.repeat(between - given)}${value}` };
    };
    const commas = tokens.commas(at, end);
    const own = tokens.is(at, 'async') ? at + 1 : at;
    if (tokens.is(own, 'function') || tokens.is(own, 'class')) {
      const name = this.#declared(own);
      // A comma after it may be one of type parameters, so what is looked at is how the call ends.
      if (name === undefined || !tokens.is(end - 1, '}') || (between > 0 && commas > 0)) return undefined;
      return place(JSON.stringify(name), 0);
    }
    const variable = tokens.name(at);
    if (variable === undefined || commas > between || !(end === at + 1 || tokens.is(at + 1, ',')))
      return undefined;
    // It may hold a record of functions, which has no name.
    return place(`typeof ${variable} === 'function' ? ${JSON.stringify(variable)} : undefined`, commas);
  }

  #argument(at: number): { place: SourcePlace; last: number } | undefined {
    const tokens = this.#tokens;
    const open = tokens.opening(at + 1);
    if (open === undefined) return undefined;
    const found = this.#loader(open + 1) ?? this.#url(open + 1);
    if (found === undefined) return undefined;
    const { specifier, next } = found;
    const last = tokens.is(next, ',') ? next + 1 : next;
    if (!tokens.is(last, ')')) return undefined;
    const { start } = tokens.at(open + 1);
    return { place: { kind: 'argument', start, end: tokens.at(next - 1).end, specifier }, last };
  }

  /** `() => import('./x.js')`. */
  #loader(at: number): { specifier: string; next: number } | undefined {
    const tokens = this.#tokens;
    if (tokens.is(at, 'async')) at++;
    if (!tokens.is(at, '(', ')', '=>')) return undefined;
    at += tokens.is(at + 3, 'await') ? 4 : 3;
    const specifier = tokens.literal(at + 2);
    if (specifier === undefined || !tokens.is(at, 'import', '(')) return undefined;
    const close = tokens.is(at + 3, ',') ? at + 4 : at + 3;
    return tokens.is(close, ')') ? { specifier, next: close + 1 } : undefined;
  }

  /** `new URL('./x.js', import.meta.url)`. */
  #url(at: number): { specifier: string; next: number } | undefined {
    const tokens = this.#tokens;
    const specifier = tokens.literal(at + 3);
    if (specifier === undefined || !tokens.is(at, 'new', 'URL', '(')) return undefined;
    if (!tokens.is(at + 4, ',', 'import', '.', 'meta', '.', 'url')) return undefined;
    const close = tokens.is(at + 10, ',') ? at + 11 : at + 10;
    return tokens.is(close, ')') ? { specifier, next: close + 1 } : undefined;
  }

  *#import(at: number, around: readonly Around[]): Generator<SourcePlace> {
    const tokens = this.#tokens;
    const specifier = tokens.literal(at + 2);
    if (specifier === undefined || !tokens.is(at + 1, '(') || tokens.is(at - 1, 'typeof')) return;
    const close = tokens.closing(at + 1);
    if (close === undefined || !(tokens.is(at + 3, ')') || tokens.is(at + 3, ','))) return;
    const sent = around.some(
      ({ callee, declared }) =>
        this.#senders.has(callee) || (declared !== undefined && this.#sent.has(declared)),
    );
    if (!sent && !this.#importsHeddle) return;
    yield { kind: 'import', start: tokens.at(at).start, end: tokens.at(close).end, specifier, sent };
  }
}
