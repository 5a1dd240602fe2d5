/** The text of what is explored, and the places in it that steps and traces name. */
import type { AnyNode } from 'acorn';

/** A place in the text of an explored function. */
export interface Site {
  /** What stands there, on one line. */
  readonly text: string;
  /** The function that was given, and the line in it, from 1 on: `transfer:3`. */
  readonly place: string;
}

/** All places of an exploration, by their numbers. */
export type Sites = Site[];

/** The number of the place where a thread waits for a promise that its function has returned. */
export const RESULT = 0;

export function newSites(): Sites {
  return [{ text: 'the promise that it returned', place: 'its end' }];
}

const LONGEST = 60;

/** A piece of text that was parsed. */
export class Source {
  readonly text: string;
  readonly #name: string;
  readonly #origin: number;
  readonly #sites: Sites;

  /** `origin` is where the function begins in what was parsed, for the counting of lines. */
  constructor(text: string, origin: number, name: string, sites: Sites) {
    this.text = text;
    this.#origin = origin;
    this.#name = name === '' ? 'anonymous' : name;
    this.#sites = sites;
  }

  /** The number of a new place. */
  site(node: AnyNode): number {
    const whole = this.slice(node.start, node.end).replace(/\s+/g, ' ');
    const text = whole.length > LONGEST ? `${whole.slice(0, LONGEST - 1)}…` : whole;
    return this.#sites.push({ text, place: this.place(node) }) - 1;
  }

  place(node: AnyNode): string {
    return `${this.#name}:${1 + newlines(this.slice(this.#origin, node.start)).length}`;
  }

  slice(start: number, end: number): string {
    return this.text.slice(start, end);
  }

  /** The text with as many lines as the node had. */
  sameLines(node: AnyNode, text: string): string {
    return text + this.missingLines(node, text);
  }

  missingLines(node: AnyNode, text: string): string {
    return newlines(this.slice(node.start, node.end)).slice(newlines(text).length);
  }

  refuse(node: AnyNode, what: string): never {
    throw new TypeError(`Cannot explore ${this.place(node)}: ${what}`);
  }
}

function newlines(text: string): string {
  return text.replace(/[^\n]/g, '');
}

/** The nodes below a node, in order. */
export function childrenOf(node: AnyNode): readonly AnyNode[] {
  const children: AnyNode[] = [];
  for (const value of Object.values(node) as unknown[]) {
    if (Array.isArray(value)) children.push(...(value as unknown[]).filter(isNode));
    else if (isNode(value)) children.push(value);
  }
  return children.sort((a, b) => a.start - b.start);
}

export function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as AnyNode).type === 'string';
}

export type Of<T extends AnyNode['type']> = Extract<AnyNode, { type: T }>;

export type FunctionNode = Of<'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression'>;

export function isFunction(node: AnyNode): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression'
  );
}
