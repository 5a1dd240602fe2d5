/**
 * A block: consecutive items as the bytes in which they stand in the input, on their way to a thread.
 *
 * Items travel as raw bytes and are split, parsed and turned into output in the thread: the main thread, which all
 * items pass, then does nothing per item but look for its end.
 */

/** How an item's text becomes the argument of the function: as it is, or parsed as JSON. */
export type ItemKind = 'text' | 'json';

export interface Block {
  /** The items and their separators; owns its whole buffer, so that sending it copies nothing else. */
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

/** One item of a block. */
export interface Item {
  readonly text: string;
  /** In its file, from 1. */
  readonly line: number;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The items of a block, in order. Blank lines are no items where the kind is `json`. */
export function itemsOf(block: Block): Item[] {
  const separator = String.fromCharCode(block.separator);
  const parts = decoder.decode(block.bytes).split(separator);
  if (parts.at(-1) === '') parts.pop();
  const items: Item[] = [];
  for (let index = 0; index < parts.length; index++) {
    let text = parts[index]!;
    if (block.kind === 'json' && isBlank(text)) continue;
    if (separator === '\n' && text.endsWith('\r')) text = text.slice(0, -1);
    items.push({ text, line: block.line + index });
  }
  return items;
}

// The same rule as `isBlankBetween`, on text.
function isBlank(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x20) return false;
  return true;
}

/** The item at `position` of a block, as a block of its own. */
export function singleItem(block: Block, position: number): Block {
  const item = itemsOf(block)[position];
  if (item === undefined) throw new RangeError(`position must be below ${block.count}, received ${position}`);
  return {
    ...block,
    bytes: new TextEncoder().encode(item.text + String.fromCharCode(block.separator)),
    count: 1,
    first: block.first + position,
    line: item.line,
  };
}

/** The argument that the function gets for an item; malformed JSON gives its text. */
export function inputOf(block: Block, position: number): unknown {
  const text = itemsOf(block)[position]?.text ?? '';
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
