/** `transfer()`: what is moved to another thread, not copied. */
import { className, show } from '../core/arguments.ts';
import { SendError } from '../core/errors.ts';
import { isPort, type Transferable } from '../platform/worker.ts';
import type { Wire } from './wire.ts';

/** By value. `undefined` for all that is inside it when it is sent. */
const marks = new WeakMap<object, readonly Transferable[] | undefined>();
let any = false;

/**
 * Says that `value`, an argument or result of a job or something inside one, is to be moved when it is sent: its buffers and
 * ports are not copied, and cannot be used here any more. Gives the value itself.
 *
 * - **What is moved**: what `list` names; without it every ArrayBuffer (also that under a view) and every MessagePort inside
 *   the value. All else is copied as ever.
 * - **When**: at the call that sends it, `submit()` or the return of the job. If that is refused, be it for a value in it or by a
 *   pool that is full or was shut down, nothing was moved (unless another thread fills it at that very moment).
 * - **What was moved is gone**: a job with such arguments is not run again, be it `idempotent`. The value stays marked, and moves
 *   what is inside it whenever it is sent.
 * - **Where not**: a queue copies, and so does a future that travels. Between two threads neither of which started the other
 *   buffers are copied and then taken away, and ports are refused; so are buffers that the runtime keeps for itself, such as that
 *   of short Buffers of Node.
 * - **Cost**: none by the byte; a message more than other values take.
 *
 * @throws {TypeError} `list` has something that cannot be moved, or `value` has no place for it.
 *
 * @example
 * ```ts
 * import { isMainThread, portable, toThread, transfer } from 'heddle';
 *
 * const invert = portable(import.meta, function invert(pixels: Uint8Array): Uint8Array {
 *   for (const [at, value] of pixels.entries()) pixels[at] = 255 - value;
 *   return transfer(pixels);
 * });
 *
 * if (isMainThread) {
 *   const pixels = new Uint8Array(10_000_000);
 *   const inverted = await toThread(invert, transfer(pixels));
 *   console.log(pixels.length, inverted.length); // 0 10000000
 * }
 * ```
 */
export function transfer<T>(value: T, list?: Iterable<Transferable>): T {
  const moved = list === undefined ? undefined : [...checkList(list)];
  if (typeof value === 'object' && value !== null) {
    marks.set(value, moved);
    any = true;
  } else if (moved !== undefined && moved.length > 0)
    throw new TypeError(`Cannot move list[0] with ${show(value)}, which has nothing inside`);
  return value;
}

function* checkList(list: Iterable<Transferable>): Iterable<Transferable> {
  let index = 0;
  for (const one of list) {
    const place = `list[${index++}]`;
    if (typeof one !== 'object' || one === null)
      throw new TypeError(`Cannot move ${place}: it is ${show(one)}`);
    if (ArrayBuffer.isView(one))
      throw new TypeError(`Cannot move ${place}: it is a ${className(one)}; give its buffer`);
    if ((one as object) instanceof SharedArrayBuffer)
      throw new TypeError(
        `Cannot move ${place}: a SharedArrayBuffer is shared by all who have it; leave it out`,
      );
    yield one;
  }
}

/** Whether `transfer()` was ever called in this thread. */
export function anythingMoves(): boolean {
  return any;
}

/** Whether it is to be moved. */
export function isMarked(value: object): boolean {
  return any && marks.has(value);
}

/** Whether one of the values is. */
export function anyMarked(values: readonly unknown[]): boolean {
  return any && values.some((value) => marks.has(value as object));
}

/** What is to be moved with a value that is marked. */
export function markedIn(value: object): Iterable<Transferable> {
  return marks.get(value) ?? transferablesIn(value, new Set());
}

function* transferablesIn(value: unknown, seen: Set<unknown>): Iterable<Transferable> {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (ArrayBuffer.isView(value)) yield* transferablesIn(value.buffer, seen);
  else if (value instanceof ArrayBuffer || isPort(value)) yield value;
  else if (value instanceof Map) {
    for (const [key, item] of value) {
      yield* transferablesIn(key, seen);
      yield* transferablesIn(item, seen);
    }
  } else if (value instanceof Set || Array.isArray(value))
    for (const item of value) yield* transferablesIn(item, seen);
  else for (const item of Object.values(value)) yield* transferablesIn(item, seen);
}

/** What is marked cannot become bytes where a message is at hand. */
export class MovedByMessage extends SendError {}

/**
 * Takes the buffers away that were to be moved, after they were copied.
 *
 * @throws SendError if they cannot be; then none was.
 */
export function takeAway({ transfer: moved }: Wire<unknown>, path: string): void {
  if (moved === undefined) return;
  try {
    structuredClone(undefined, { transfer: moved as Transferable[] });
  } catch (error) {
    throw cannotMove(path, error);
  }
}

export function cannotMove(path: string, cause: unknown): SendError {
  return new SendError(`${path} cannot be moved to a thread: ${(cause as Error).message}`, path, { cause });
}
