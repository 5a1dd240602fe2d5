/** Strings to and from bytes in bulk: what runs as machine code in every runtime, and costs a call. */
import { Buffer } from 'node:buffer';

/** A view of memory, shared or not, that strings are written to and read from. Positions and lengths are bytes. */
export interface TextMemory {
  /** Writes as much of the text as `length` allows; returns how many bytes that was. */
  write(text: string, at: number, length: number, encoding: 'utf8' | 'utf16le'): number;
  toString(encoding: 'latin1' | 'utf8' | 'utf16le', start: number, end: number): string;
}

/** The same memory as `bytes`. */
export function textMemory(bytes: Uint8Array): TextMemory {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
