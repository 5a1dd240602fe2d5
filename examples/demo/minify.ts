import { readFile } from 'node:fs/promises';
import { portable } from 'heddle';
import { minify } from 'terser';

/** One file, minified: its code, or why the minifier refused it. */
export interface Minified {
  readonly bytesIn: number;
  readonly code: string | undefined;
  readonly refusal: string | undefined;
}

/** Reads a JavaScript file and minifies it: this runs in the threads. */
export async function minifyFile(file: string): Promise<Minified> {
  const source = await readFile(file, 'utf8');
  const bytesIn = Buffer.byteLength(source);
  try {
    const { code } = await minify(source);
    return { bytesIn, code, refusal: undefined };
  } catch (error) {
    return { bytesIn, code: undefined, refusal: error instanceof Error ? error.message : String(error) };
  }
}

/** The mark by which a thread finds the function: this module, and its name here. */
portable(import.meta, minifyFile);
