/**
 * One trace for an error of a job: the place in the thread, and then the place that submitted the job.
 *
 * To look at the stack takes several microseconds, more than a job does. So it is looked at for as many jobs as there are in
 * a bucket that fills slowly: for each of them where there are hundreds a second, and it costs half a hundredth of a core at most.
 */
import { startSystemTimer } from '../core/clock.ts';
import { hasInlineFrames, writtenStack } from '../function/inline-evaluation.ts';
import type { FunctionReference } from '../function/reference.ts';
import type { KnownFunction } from '../jobs/functions.ts';
import { isInternal, userFrames } from '../platform/slow-callbacks.ts';
import type { AnyFunction } from './executor.ts';

/** The bucket, and how many come into it after so many milliseconds. */
const MOST = 50;
const MORE = 5;
const FILL_MS = 10;

/** The stack as it was; it becomes text when somebody reads it. */
export interface Asker {
  readonly stack?: string;
}

let left = MOST;
let filling = false;

/** Whoever calls `site` now; `undefined` if that has been looked at too often lately. */
export function noteAsker(site: AnyFunction): Asker | undefined {
  if (left === 0) return undefined;
  left--;
  if (!filling) fill();
  const asker: Asker = {};
  Error.captureStackTrace?.(asker, site);
  return asker;
}

function fill(): void {
  filling = true;
  startSystemTimer(
    FILL_MS,
    () => {
      left = Math.min(left + MORE, MOST);
      if (left < MOST) fill();
      else filling = false;
    },
    { hold: false },
  );
}

const SEPARATOR = '    --- in another thread; submitted by ---';

/** The place itself: `crawl (file:///app/crawl.ts:40:24)`. */
export function firstFrame(asker: Asker | undefined): string | undefined {
  return /^ {4}at (?:async )?(.*)$/m.exec(userFrames(asker?.stack))?.[1];
}

/**
 * Adds who asked to the stack of an error that came from a thread, and says of inline functions, the one of the job among them,
 * where they are written. What is below the code of the user there is left out. All of that when somebody reads the stack.
 */
export function joinStacks(
  error: unknown,
  asker: Asker | undefined,
  { inline, reference }: KnownFunction,
): void {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return;
  const { stack } = error;
  const source = inline && (reference.value as FunctionReference & { kind: 'inline' }).source;
  const written = (text: string): string => writtenStack(text, inline, source);
  if (asker !== undefined || hasInlineFrames(stack))
    defineLazily(error, 'stack', () => joined(written(stack), asker));
  const seen = new Set<unknown>([error]);
  const inside = partsOf(error);
  while (inside.length > 0) {
    const part = inside.pop();
    if (!(part instanceof Error) || seen.has(part)) continue;
    seen.add(part);
    inside.push(...partsOf(part));
    const { stack } = part;
    if (typeof stack === 'string' && hasInlineFrames(stack))
      defineLazily(part, 'stack', () => written(stack));
  }
}

/** Errors that may be in an error. */
function partsOf(error: Error): unknown[] {
  const { errors } = error as Partial<AggregateError>;
  return Array.isArray(errors) ? [error.cause, ...(errors as unknown[])] : [error.cause];
}

function joined(stack: string, asker: Asker | undefined): string {
  const here = asker?.stack?.split('\n').slice(1) ?? [];
  if (here.length === 0) return stack;
  const there = stack.split('\n');
  while (there.length > 1 && isInternal(there.at(-1)!)) there.pop();
  return [...(there.length > 1 ? there : [stack]), SEPARATOR, ...here].join('\n');
}

function defineLazily(object: object, key: string, make: () => unknown): void {
  const define = (value: unknown): void => {
    Object.defineProperty(object, key, { value, configurable: true, enumerable: false, writable: true });
  };
  Object.defineProperty(object, key, {
    get: () => {
      const value = make();
      define(value);
      return value;
    },
    set: define,
    configurable: true,
    enumerable: false,
  });
}
