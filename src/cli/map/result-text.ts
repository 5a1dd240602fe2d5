/** What a function returned, as the bytes that are written for it. */
import { className } from '../../core/arguments.ts';
import { SendError } from '../../core/errors.ts';

/**
 * - `ndjson`: one line of JSON per result; `undefined` is `null`, so that line n belongs to item n.
 * - `lines`: text as it is, with a line feed; bytes as they are; anything else as JSON.
 * - `raw`: the same without the line feed, for a file per result.
 */
export type ResultFormat = 'ndjson' | 'lines' | 'raw';

/** The text or the bytes of a result. Refuses what JSON would drop or change, naming the path to it. */
export function resultText(value: unknown, format: ResultFormat): string | Uint8Array {
  if (format === 'ndjson') return `${json(value)}\n`;
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  const text = typeof value === 'string' ? value : value === undefined ? '' : json(value);
  return format === 'lines' ? `${text}\n` : text;
}

function json(value: unknown): string {
  check(value, 'result', []);
  return JSON.stringify(value) ?? 'null';
}

/** Looks for what has no place in JSON. `above` are the objects that contain this one. */
function check(value: unknown, path: string, above: object[]): void {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
    throw refusal(path, `a ${typeof value}`);
  if (typeof value !== 'object' || value === null) return;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return;
  if (above.includes(value)) throw refusal(path, 'an object that contains itself');
  if (
    value instanceof Map ||
    value instanceof Set ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer
  )
    throw refusal(path, className(value));
  above.push(value);
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`, above);
  else for (const key in value) check((value as Record<string, unknown>)[key], `${path}.${key}`, above);
  above.pop();
}

function refusal(path: string, what: string): SendError {
  return new SendError(
    `Cannot write result: ${path} is ${what}, which has no place in JSON. Return plain objects, arrays, text and numbers, or text or bytes with --format raw`,
    path,
  );
}
