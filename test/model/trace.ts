import type { Observer } from './machine.ts';
import type { ModelThread } from './model-thread.ts';
import { KIND, KINDS, sites } from './operations.ts';

/** Writes down the steps of one schedule: number, thread, operation with values, result, place in the source. */
export class Trace implements Observer {
  readonly lines: string[] = [];
  #world: unknown;

  /** Arrays are named as in `world`. */
  begin(world: unknown): void {
    this.#world = world;
  }

  operation(thread: ModelThread, result: unknown): void {
    this.#add(
      thread,
      `${describeOperation(thread, this.#world)}${outcome(thread, result)}`,
      sites[thread.site]!,
    );
  }

  event(thread: ModelThread, what: string): void {
    this.#add(thread, what, '');
  }

  #add({ name }: ModelThread, what: string, where: string): void {
    const number = String(this.lines.length + 1).padStart(4);
    this.lines.push(`${number}  ${name.padEnd(8)} ${what.padEnd(52)} ${where}`.trimEnd());
  }
}

/** `compareExchange word[0] 0, 1` */
export function describeOperation({ kind, array, index, x, y }: ModelThread, world: unknown): string {
  const name = KINDS[kind]!;
  if (kind >= KIND.isLockFree) return kind === KIND.choose ? `choose ${String(x)}` : name;
  const values = [x, y].filter((value) => value !== undefined).map(String);
  return `${name} ${nameOfArray(array, world)}[${index}] ${values.join(', ')}`.trimEnd();
}

/** Where a thread that cannot move stands. */
export function describeBlocked(thread: ModelThread, world: unknown): string {
  if (thread.state === 'idle') return `${thread.name} awaits a promise that nobody settles`;
  const where = sites[thread.site];
  return `${thread.name} is blocked in ${describeOperation(thread, world)} at ${where}`;
}

function outcome({ kind }: ModelThread, result: unknown): string {
  if (result instanceof Error) return ` threw ${result.message}`;
  if (kind === KIND.store || kind === KIND.step || kind === KIND.until) return '';
  if (kind === KIND.waitAsync) return (result as { async: boolean }).async ? ' = a promise' : ' = not-equal';
  return ` = ${String(result)}`;
}

/** The key of the world under which the array, or one on the same memory, is found. */
function nameOfArray(array: Int32Array, world: unknown): string {
  for (const [key, value] of Object.entries(world ?? {})) {
    if (value === array) return key;
    if (ArrayBuffer.isView(value) && value.buffer === array.buffer && value.byteOffset === array.byteOffset)
      return key;
  }
  return array.constructor.name;
}
