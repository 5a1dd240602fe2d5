/** The text of a module as tokens, without spaces and comments; and what stands around a token. */
import jsTokens from 'js-tokens';

export interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly kind: 'name' | 'string' | 'other';
}

const NOTHING: Token = { text: '', start: 0, end: 0, kind: 'other' };

export class Tokens {
  readonly #tokens: readonly Token[];

  /** `jsx`: whether the text may hold JSX. */
  constructor(text: string, jsx: boolean) {
    this.#tokens = significant(text, jsx);
  }

  get length(): number {
    return this.#tokens.length;
  }

  /** An empty one beyond the ends. */
  at(index: number): Token {
    return this.#tokens[index] ?? NOTHING;
  }

  is(at: number, ...texts: readonly string[]): boolean {
    return texts.every((text, index) => this.#tokens[at + index]?.text === text);
  }

  /** The name that stands there, and is none of the language's own words that might. */
  name(at: number): string | undefined {
    const { kind, text } = this.at(at);
    return kind === 'name' ? text : undefined;
  }

  /** What a string without escapes says. */
  literal(at: number): string | undefined {
    const { kind, text } = this.at(at);
    return kind === 'string' && !text.includes('\\') ? text.slice(1, -1) : undefined;
  }

  isMember(at: number): boolean {
    return this.is(at - 1, '.') || this.is(at - 1, '?.');
  }

  /** Where the parenthesis stands by which the function is called whose name ends before `at`; type arguments may precede it. */
  opening(at: number): number | undefined {
    if (this.is(at, '<')) {
      for (let depth = 0; at < this.length; at++) {
        depth += angles(this.at(at).text);
        if (depth === 0) break;
      }
      at++;
    }
    return this.is(at, '(') ? at : undefined;
  }

  /** The name of what the parenthesis at `open` calls; of something else, whatever stands there. */
  callee(open: number): string {
    let at = open - 1;
    if (this.is(at, '>')) {
      for (let depth = 0; at >= 0 && !this.is(at, ';'); at--) {
        depth += angles(this.at(at).text);
        if (depth === 0) break;
      }
      at--;
    }
    return this.at(at).text;
  }

  /** Where the bracket is closed that is opened at `open`; `undefined` if nowhere. */
  closing(open: number): number | undefined {
    for (let at = open, depth = 0; at < this.length; at++) {
      depth += nesting(this.at(at).text);
      if (depth === 0) return at;
    }
    return undefined;
  }

  /** How many commas stand between two tokens, those within brackets left out. */
  commas(from: number, to: number): number {
    let depth = 0;
    let commas = 0;
    for (let at = from; at < to; at++) {
      depth += nesting(this.at(at).text);
      if (depth === 0 && this.is(at, ',')) commas++;
    }
    return commas;
  }
}

function significant(text: string, jsx: boolean): Token[] {
  const tokens: Token[] = [];
  let start = 0;
  for (const { type, value } of jsx ? jsTokens(text, { jsx: true }) : jsTokens(text)) {
    const end = start + value.length;
    if (!/Comment$|^WhiteSpace$|^LineTerminator/.test(type))
      tokens.push({ text: value, start, end, kind: kindOf(type) });
    start = end;
  }
  return tokens;
}

function kindOf(type: string): Token['kind'] {
  if (type === 'IdentifierName') return 'name';
  return type === 'StringLiteral' || type === 'NoSubstitutionTemplate' ? 'string' : 'other';
}

/** By how much a token opens brackets, or closes them. */
export function nesting(text: string): number {
  if (text === '(' || text === '[' || text === '{') return 1;
  return text === ')' || text === ']' || text === '}' ? -1 : 0;
}

/** By how much a token opens type arguments, or closes them. */
function angles(text: string): number {
  if (text === '<') return 1;
  return /^>+$/.test(text) ? -text.length : 0;
}
