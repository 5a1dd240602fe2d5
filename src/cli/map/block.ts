/**
 * A block: consecutive items as the bytes in which they stand in the input, on their way to a thread.
 *
 * Items travel as raw bytes and are split, parsed and turned into output in the thread: the main thread, which all
 * items pass, then does nothing per item but look for its end.
 */

/** How an item's text becomes the argument of the function: as it is, or parsed as JSON. */
export type ItemKind = 'text' | 'json';

export interface Block {
  /** The items and their separators. Most of its buffer, for sending it copies the whole of that. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly kind: ItemKind;
  /** The byte that ends an item: a line feed, or NUL. */
  readonly separator: number;
  /** How many items, and the index of the first among all items of the run, from 0. */
  readonly count: number;
  readonly first: number;
  /** Where it stands, for messages: the file and the line, from 1, at which `bytes` begins. */
  readonly file: string;
  readonly line: number;
}

/** The items of a block, in order. */
export interface Items {
  readonly texts: readonly string[];
  /** The line of each in its file, from 1, where blank lines stand between them; else they follow one another. */
  readonly lines?: readonly number[];
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Blank lines are no items where the kind is `json`; a carriage return at the end of a line is no part of it. */
export function itemsOf(block: Block): Items {
  const text = decoder.decode(block.bytes);
  const parts = text.split(String.fromCharCode(block.separator));
  if (parts.at(-1) === '') parts.pop();
  if (block.kind === 'json')
    return parts.length === block.count ? { texts: parts } : withoutBlanks(block, parts);
  if (block.separator !== 0x0a || !text.includes('\r')) return { texts: parts };
  return { texts: parts.map((part) => (part.endsWith('\r') ? part.slice(0, -1) : part)) };
}

function withoutBlanks(block: Block, parts: readonly string[]): Items {
  const [texts, lines]: [string[], number[]] = [[], []];
  parts.forEach((part, index) => {
    if (isBlank(part)) return;
    texts.push(part);
    lines.push(block.line + index);
  });
  return { texts, lines };
}

// The same rule as `isBlankBetween`, on text.
function isBlank(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x20) return false;
  return true;
}

/** The line of an item in its file. */
export function lineOf(block: Block, items: Items, position: number): number {
  return items.lines?.[position] ?? block.line + position;
}

/** The item at `position` of a block, as a block of its own. */
export function singleItem(block: Block, position: number): Block {
  const items = itemsOf(block);
  const text = items.texts[position];
  if (text === undefined) throw new RangeError(`position must be below ${block.count}, received ${position}`);
  return {
    ...block,
    bytes: new TextEncoder().encode(text + String.fromCharCode(block.separator)),
    count: 1,
    first: block.first + position,
    line: lineOf(block, items, position),
  };
}

/** The argument that the function gets for an item; malformed JSON gives its text. */
export function inputOf(block: Block, position: number): unknown {
  const text = itemsOf(block).texts[position] ?? '';
  if (block.kind === 'text') return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The bytes of the first `count` items of a block. */
export function bytesOfFirst(block: Block, count: number): Uint8Array {
  let [items, end] = [0, 0];
  while (items < count) {
    const at = block.bytes.indexOf(block.separator, end);
    if (block.kind === 'text' || !isBlankBetween(block.bytes, end, at)) items++;
    end = at + 1;
  }
  return block.bytes.subarray(0, end);
}

/** Whether there is no character above the space: such a line is no item of JSON. */
export function isBlankBetween(bytes: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (bytes[index]! > 0x20) return false;
  return true;
}
