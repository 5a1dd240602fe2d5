/**
 * Where the text of a module speaks of modules that threads import. The text may be TypeScript, so it is read token by
 * token and not parsed.
 */
import jsTokens from 'js-tokens';

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
/** Functions, methods and classes that take functions for other threads. */
const SENDERS = new Set([
  'capture',
  'EventLoopPool',
  'EventLoopThread',
  'map',
  'submit',
  'submitSync',
  'ThreadPoolExecutor',
  'toThread',
  'toThreadSync',
  'trySubmit',
]);

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly kind: 'name' | 'string' | 'other';
}

/** The places in `text`, in order; none in a module that does not import heddle. `jsx`: whether it may hold JSX. */
export function sourcePlaces(text: string, jsx: boolean): readonly SourcePlace[] {
  if (!text.includes('heddle')) return [];
  const reader = new Reader(significantTokens(text, jsx));
  return reader.importsHeddle ? reader.places() : [];
}

function significantTokens(text: string, jsx: boolean): Token[] {
  const tokens: Token[] = [];
  let start = 0;
  for (const { type, value } of jsx ? jsTokens(text, { jsx: true }) : jsTokens(text)) {
    const end = start + value.length;
    if (!/Comment$|^WhiteSpace$|^LineTerminator/.test(type)) {
      const kind =
        type === 'IdentifierName'
          ? 'name'
          : type === 'StringLiteral' || type === 'NoSubstitutionTemplate'
            ? 'string'
            : 'other';
      tokens.push({ text: value, start, end, kind });
    }
    start = end;
  }
  return tokens;
}

class Reader {
  readonly importsHeddle: boolean;
  readonly #tokens: readonly Token[];
  /** What the marks are called in this module, as in {@link MARKS}. */
  readonly #marks = new Map<string, number>();
  /** Found before what stands within the calls that they end. */
  readonly #names: SourcePlace[] = [];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    let imports = false;
    for (let at = 0; at < tokens.length; at++) {
      if (!this.#is(at, 'from') || !/^heddle(?:\/|$)/.test(this.#literal(at + 1) ?? '')) continue;
      imports = true;
      this.#readNames(at - 1);
    }
    this.importsHeddle = imports;
  }

  places(): readonly SourcePlace[] {
    return [...this.#all(), ...this.#names].sort((a, b) => a.start - b.start);
  }

  *#all(): Generator<SourcePlace> {
    const calls: string[] = [];
    for (let at = 0; at < this.#tokens.length; at++) {
      const { text } = this.#tokens[at]!;
      if (text === '(') calls.push(this.#callee(at));
      else if (text === ')') calls.pop();
      else if (this.#mark(at) !== undefined) yield* this.#own(at, this.#mark(at)!);
      else if (text === 'import' && this.#isMember(at)) {
        const argument = this.#argument(at);
        if (argument === undefined) continue;
        yield argument.place;
        // Its parentheses are balanced.
        at = argument.last;
      } else if (text === 'import') yield* this.#import(at, calls);
    }
  }

  /** `import { portable as mark } from 'heddle'`, read from its closing brace back. */
  #readNames(close: number): void {
    if (!this.#is(close, '}')) return;
    for (let at = close - 1; at > 0 && !this.#is(at, '{'); at--) {
      const name = this.#tokens[at]!.text;
      const before = MARKS.get(name);
      if (before === undefined) continue;
      this.#marks.set(this.#is(at + 1, 'as') ? this.#tokens[at + 2]!.text : name, before);
    }
  }

  /** How many arguments a mark takes before the name; `undefined` if this is none. */
  #mark(at: number): number | undefined {
    const { text, kind } = this.#tokens[at]!;
    if (kind !== 'name') return undefined;
    return this.#isMember(at) ? MARKS.get(text) : this.#marks.get(text);
  }

  #isMember(at: number): boolean {
    return this.#is(at - 1, '.') || this.#is(at - 1, '?.');
  }

  *#own(at: number, before: number): Generator<SourcePlace> {
    const open = this.#opening(at + 1);
    if (open === undefined || !this.#are(open + 1, ['import', '.', 'meta'])) return;
    const comma = this.#are(open + 4, ['.', 'url']) ? open + 6 : open + 4;
    if (!this.#is(comma, ',')) return;
    yield { kind: 'own', start: this.#tokens[open + 1]!.start, end: this.#tokens[comma - 1]!.end };
    const close = this.#closing(open);
    const name = close > comma + 1 ? this.#name(comma + 1, close, before - 2) : undefined;
    if (name !== undefined) this.#names.push(name);
  }

  /**
   * The argument to be added to a call whose second one begins at `at`, and that ends with the parenthesis at `close`.
   * `between`: how many may stand between that one and the name.
   */
  #name(at: number, close: number, between: number): SourcePlace | undefined {
    const comma = this.#is(close - 1, ',');
    const end = comma ? close - 1 : close;
    const text = (value: string, given: number): SourcePlace => {
      const start = this.#tokens[end - 1]!.end;
      return { kind: 'name', start, end: start, text: `, ${'undefined, '.repeat(between - given)}${value}` };
    };
    const commas = this.#commas(at, end);
    const own = this.#is(at, 'async') ? at + 1 : at;
    if (this.#is(own, 'function') || this.#is(own, 'class')) {
      const named = this.#is(own + 1, '*') ? own + 2 : own + 1;
      const { kind, text: value } = this.#tokens[named]!;
      // A comma after it may be one of type parameters, so what is looked at is how the call ends.
      if (kind !== 'name' || !this.#is(end - 1, '}') || (between > 0 && commas > 0)) return undefined;
      return text(JSON.stringify(value), 0);
    }
    const { kind, text: variable } = this.#tokens[at]!;
    if (kind !== 'name' || commas > between || !(end === at + 1 || this.#is(at + 1, ','))) return undefined;
    // It may hold a record of functions, which has no name.
    return text(`typeof ${variable} === 'function' ? ${JSON.stringify(variable)} : undefined`, commas);
  }

  /** How many commas stand between the tokens, those within brackets left out. */
  #commas(from: number, to: number): number {
    let depth = 0;
    let commas = 0;
    for (let at = from; at < to; at++) {
      depth += nesting(this.#tokens[at]!.text);
      if (depth === 0 && this.#is(at, ',')) commas++;
    }
    return commas;
  }

  /** The parenthesis that closes the one at `open`; the end of the text if none does. */
  #closing(open: number): number {
    for (let at = open, depth = 0; at < this.#tokens.length; at++) {
      depth += nesting(this.#tokens[at]!.text);
      if (depth === 0) return at;
    }
    return this.#tokens.length;
  }

  #argument(at: number): { place: SourcePlace; last: number } | undefined {
    const open = this.#opening(at + 1);
    if (open === undefined) return undefined;
    const found = this.#loader(open + 1) ?? this.#url(open + 1);
    if (found === undefined) return undefined;
    const last = this.#is(found.next, ',') ? found.next + 1 : found.next;
    if (!this.#is(last, ')')) return undefined;
    const { specifier } = found;
    const start = this.#tokens[open + 1]!.start;
    const end = this.#tokens[found.next - 1]!.end;
    return { place: { kind: 'argument', start, end, specifier }, last };
  }

  /** `() => import('./x.js')`. */
  #loader(at: number): { specifier: string; next: number } | undefined {
    if (this.#is(at, 'async')) at++;
    if (!this.#are(at, ['(', ')', '=>'])) return undefined;
    at += 3;
    if (this.#is(at, 'await')) at++;
    const specifier = this.#literal(at + 2);
    if (specifier === undefined || !this.#are(at, ['import', '('])) return undefined;
    const close = this.#is(at + 3, ',') ? at + 4 : at + 3;
    return this.#is(close, ')') ? { specifier, next: close + 1 } : undefined;
  }

  /** `new URL('./x.js', import.meta.url)`. */
  #url(at: number): { specifier: string; next: number } | undefined {
    const specifier = this.#literal(at + 3);
    if (specifier === undefined || !this.#are(at, ['new', 'URL', '('])) return undefined;
    if (!this.#are(at + 4, [',', 'import', '.', 'meta', '.', 'url'])) return undefined;
    const close = this.#is(at + 10, ',') ? at + 11 : at + 10;
    return this.#is(close, ')') ? { specifier, next: close + 1 } : undefined;
  }

  #import(at: number, calls: readonly string[]): SourcePlace[] {
    const specifier = this.#literal(at + 2);
    if (specifier === undefined || !this.#is(at + 1, '(') || this.#is(at - 1, 'typeof')) return [];
    const { start } = this.#tokens[at]!;
    const end = this.#tokens[this.#closing(at + 1)]?.end;
    if (end === undefined || !(this.#is(at + 3, ')') || this.#is(at + 3, ','))) return [];
    return [{ kind: 'import', start, end, specifier, sent: calls.some((name) => SENDERS.has(name)) }];
  }

  /** The name before an opening parenthesis, type arguments between them left out. */
  #callee(open: number): string {
    let at = open - 1;
    if (this.#is(at, '>')) {
      for (let depth = 0; at >= 0 && !this.#is(at, ';'); at--) {
        depth += angles(this.#tokens[at]!.text);
        if (depth === 0) break;
      }
      at--;
    }
    return this.#tokens[at]?.text ?? '';
  }

  /** Where the parenthesis of a call stands whose name ends before `at`. */
  #opening(at: number): number | undefined {
    if (this.#is(at, '<')) {
      for (let depth = 0; at < this.#tokens.length; at++) {
        depth += angles(this.#tokens[at]!.text);
        if (depth === 0) break;
      }
      at++;
    }
    return this.#is(at, '(') ? at : undefined;
  }

  #is(at: number, text: string): boolean {
    return this.#tokens[at]?.text === text;
  }

  #are(at: number, texts: readonly string[]): boolean {
    return texts.every((text, index) => this.#is(at + index, text));
  }

  /** What a string without escapes says. */
  #literal(at: number): string | undefined {
    const token = this.#tokens[at];
    if (token?.kind !== 'string' || token.text.includes('\\')) return undefined;
    return token.text.slice(1, -1);
  }
}

/** By how much a token opens brackets, or closes them. */
function nesting(text: string): number {
  if (text === '(' || text === '[' || text === '{') return 1;
  return text === ')' || text === ']' || text === '}' ? -1 : 0;
}

/** By how much a token opens type arguments, or closes them. */
function angles(text: string): number {
  if (text === '<') return 1;
  return /^>+$/.test(text) ? -text.length : 0;
}
