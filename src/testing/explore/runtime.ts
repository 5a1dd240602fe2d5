/** What rewritten code calls (`expressions.ts`, `rewriter.ts`), by the names that they use. */
import type { AnyFunction } from '../../function/registry.ts';
import { isThenable } from '../../scope/call.ts';
import { loopOver } from './callbacks.ts';
import { Disposables } from './disposables.ts';
import { atOnce, type Body, call, callable, isExplored, spawn } from './explored.ts';
import { runningMachine } from './machine.ts';
import { noteAwaited, noteNext } from './notes.ts';
import { callStep, stepOfFunction, textAt } from './operation-steps.ts';
import { isLook, isMemory, isShared, isStep, SETS } from './operations.ts';
import type { Steps, Stop } from './steps.ts';

export const runtime = {
  // Functions and classes

  explored: (body: Body, isAsync: boolean, name: string = body.name): AnyFunction =>
    callable(body, isAsync, name),

  arrow: (self: unknown, body: Body, isAsync: boolean, name: string = ''): AnyFunction =>
    callable(body.bind(self) as Body, isAsync, name),

  /** Makes what it is given, a class whose methods are generators, one whose methods can be called. */
  classOf(
    type: AnyFunction,
    methods: readonly [PropertyKey, isStatic: boolean, isAsync: boolean][],
    name: string,
  ): AnyFunction {
    if (type.name === '') Object.defineProperty(type, 'name', { value: name, configurable: true });
    for (const [key, isStatic, isAsync] of methods) {
      const owner: object = isStatic ? type : (type.prototype as object);
      const { value } = Object.getOwnPropertyDescriptor(owner, key)!;
      const method = callable(value as Body, isAsync, String(key));
      Object.defineProperty(owner, key, { value: method, writable: true, configurable: true });
    }
    return type;
  },

  // Calls

  *apply(site: number, fn: AnyFunction, self: unknown, args: unknown[]): Steps {
    if (isExplored(fn)) return yield* call(fn, self, args);
    if (typeof fn !== 'function') throw new TypeError(`${textAt(site)}: what is called is not a function`);
    return yield* stepOfFunction(site, fn, self, args);
  },

  *invoke(site: number, of: Record<PropertyKey, unknown>, key: PropertyKey, args: unknown[]): Steps {
    const fn = of[key] as AnyFunction;
    if (isExplored(fn)) return yield* call(fn, of, args);
    if (typeof fn !== 'function') throw new TypeError(`${textAt(site)}: ${String(key)} is not a function`);
    if (isStep(of, key)) return yield* callStep(site, of, key, args);
    if (isExplored(of) && (key === 'call' || key === 'apply')) {
      const [self, ...rest] = args;
      return yield* call(of as never, self, key === 'call' ? rest : ((rest[0] as unknown[]) ?? []));
    }
    if (Array.isArray(of) && isExplored(args[0])) {
      const loop = loopOver(of, key, args, call);
      if (loop !== undefined) return yield* loop;
    }
    return yield* stepOfFunction(site, fn, of, args);
  },

  /** The call of an async private method. */
  *begin(steps: Steps): Steps {
    return yield { kind: 'begin', steps };
  },

  atOnceSync: (steps: Steps): unknown => atOnce(steps),
  atOnceAsync: (steps: Steps): Promise<unknown> => spawn(steps),

  // Memory

  *read(site: number, of: Record<PropertyKey, unknown>, key: PropertyKey): Steps {
    if (!ArrayBuffer.isView(of) && !isSetting(of, key)) return of[key];
    yield { kind: 'point', site };
    const value = of[key as never];
    runningMachine()?.trace.note(`→ ${String(value)}`);
    return value;
  },

  *write(site: number, of: Record<PropertyKey, unknown>, key: PropertyKey, value: unknown): Steps {
    if (isMemory(of) || isSetting(of, key)) {
      yield { kind: 'point', site };
      runningMachine()?.trace.note(`← ${String(value)}`);
    }
    of[key] = value;
    return value;
  },

  number: (value: unknown): number | bigint => (typeof value === 'bigint' ? value : Number(value)),
  add: (value: number | bigint, by: number): number | bigint =>
    typeof value === 'bigint' ? value + BigInt(by) : value + by,

  /** A property that others may change. */
  *look(site: number, of: Record<PropertyKey, unknown>, key: PropertyKey): Steps {
    const value = of[key];
    if (!isLook(of, value)) return value;
    yield { kind: 'point', site };
    const now = of[key];
    runningMachine()?.trace.note(`→ ${String(now)}`);
    return now;
  },

  // Waiting

  *await(site: number, value: unknown): Steps {
    const promise = isThenable(value) ? value : Promise.resolve(value);
    try {
      const got = yield { kind: 'wait', site, promise, blocks: false };
      noteAwaited(promise, got);
      return got;
    } catch (error) {
      noteAwaited(promise, error);
      throw error;
    }
  },

  iterate: (of: Partial<AsyncIterable<unknown> & Iterable<unknown>>): Loop => {
    const asyncIterator = of[Symbol.asyncIterator]?.();
    const iterator = asyncIterator ?? of[Symbol.iterator]!();
    return { of, iterator, isSync: asyncIterator === undefined, isOpen: true, value: undefined };
  },

  *next(loop: Loop, site: number): Steps {
    loop.isOpen = false;
    yield { kind: 'point', site };
    runningMachine()?.touched();
    const given = yield* call(loop.iterator.next as AnyFunction, loop.iterator, []);
    noteNext(loop.of, loop.iterator, given);
    const { done, value } = (yield waitFor(site, given)) as IteratorResult<unknown>;
    loop.value = loop.isSync && done !== true ? yield waitFor(site, value) : value;
    loop.isOpen = done !== true;
    return loop.isOpen;
  },

  /** The body of the loop has failed: that is what counts. */
  *broken(loop: Loop, site: number): Steps {
    try {
      yield* runtime.close(loop, site);
    } catch {
      return undefined;
    }
    return undefined;
  },

  *close(loop: Loop, site: number): Steps {
    const { iterator, isOpen } = loop;
    loop.isOpen = false;
    if (!isOpen || iterator.return === undefined) return undefined;
    return yield waitFor(site, yield* call(iterator.return as AnyFunction, iterator, []));
  },

  // `using`

  disposables: (): Disposables => new Disposables(),
  use: (stack: Disposables, value: unknown, isAsync: boolean, site: number): unknown =>
    stack.use(value, isAsync, site),
  failed: (stack: Disposables, error: unknown): void => stack.fail(error),
  *dispose(stack: Disposables): Steps {
    return yield* stack.dispose(runtime.invoke);
  },

  /** The same for what esbuild makes of it. */
  useIn: (stack: unknown[], value: unknown, isAsync: boolean | undefined, site: number): unknown => {
    stack[0] ??= new Disposables();
    return (stack[0] as Disposables).use(value, isAsync === true, site);
  },
  *disposeAll(stack: unknown[], error: unknown, hasError: boolean | undefined): Steps {
    const disposables = (stack[0] as Disposables | undefined) ?? new Disposables();
    if (hasError === true) disposables.fail(error);
    return yield* disposables.dispose(runtime.invoke);
  },
};

function isSetting(of: unknown, key: PropertyKey): boolean {
  return SETS.has(key as string) && isShared(of);
}

function waitFor(site: number, value: unknown): Stop {
  return { kind: 'wait', site, promise: Promise.resolve(value), blocks: false };
}

interface Loop {
  readonly of: unknown;
  readonly iterator: Iterator<unknown> | AsyncIterator<unknown>;
  readonly isSync: boolean;
  /** Whether it must be closed. */
  isOpen: boolean;
  value: unknown;
}
