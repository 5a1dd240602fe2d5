/** Shared objects by token and by name: for threads that heddle does not send messages to. */
import { checkFunction, show } from '../core/arguments.ts';
import { InvalidStateError } from '../core/errors.ts';
import { entryOf, objectIn, replaceObject } from '../memory/directory.ts';
import { ownHeap } from '../memory/heap.ts';
import { type Kind, kindOf, kindOfHandle } from '../memory/kinds.ts';
import { KIND, LAYOUT_VERSION, OBJECT_ENTRY, OBJECT_ID } from '../memory/layout.ts';
import { adoptRegion, region } from '../memory/region.ts';
import { ownParking } from '../park/own-parking.ts';
import './parcels.ts';

/** A shared object as plain data, which any `postMessage` and `workerData` carries. */
export interface Token {
  readonly heddle: number;
  readonly region: SharedArrayBuffer;
  readonly kind: number;
  readonly object: number;
  readonly id: number;
}

/**
 * A shared object as plain data, for `workerData` and raw `postMessage` to Workers that you start yourself; there,
 * `fromToken` makes a handle of it. Where heddle sends the message (arguments, results), send the object itself.
 *
 * The token holds nothing: keep a handle of the object until the other side has its own.
 *
 * @throws {TypeError} if it is not a shared object.
 * @example
 * ```ts
 * import { fromToken, Lock, toToken } from 'heddle';
 *
 * const lock = new Lock({ name: 'cache' });
 * const token = structuredClone(toToken(lock)); // as in a message
 * const same = fromToken<Lock>(token);
 * using guard = same.acquireSync();
 * console.log(lock.locked); // true
 * ```
 */
export function toToken(object: object): Token {
  const { number, kind } = checkShared(object, 'object');
  const address = kind.enter(object);
  return {
    heddle: LAYOUT_VERSION,
    region: region(),
    kind: number,
    object: address,
    id: ownHeap().words[address + OBJECT_ID]!,
  };
}

/**
 * A handle of the object that a token was made of.
 *
 * @throws {TypeError} if it is not a token of this version of heddle.
 * @throws {InvalidStateError} if the object was freed meanwhile, for nobody held it; or if the token is of another process.
 */
export function fromToken<T extends object = object>(token: unknown): T {
  const { region: buffer, kind: number, object, id } = checkToken(token);
  if (!adoptRegion(buffer)) {
    throw new InvalidStateError(
      'Cannot use token: this thread has shared memory of its own; import heddle in the main thread before starting Workers',
    );
  }
  const kind = kindOf(number);
  if (kind === undefined) throw new TypeError(`Cannot use token: heddle knows no objects of kind ${number}`);
  if (!ownParking().handles.open(object, OBJECT_ID, id)) {
    throw new InvalidStateError(
      'Cannot use token: the object was freed; keep a handle of it until the token has been used',
    );
  }
  return kind.restore(object) as unknown as T;
}

/**
 * The same shared object in every thread, by name: made by `create` where it is asked for first. `create` may be called
 * in several threads at once; one of the objects is used by all, the others are disposed.
 *
 * The name alone holds nothing: when no thread has a handle any more, the object is gone, and is made anew by the next.
 * Names are those of the whole process: begin them with that of your package.
 *
 * @throws {TypeError} if `create` does not return a shared object that is new, or the name belongs to one of another class.
 * @example
 * ```ts
 * import { Lock, shared } from 'heddle';
 *
 * const lock = shared('my-app/log', () => new Lock());
 * await lock.run(() => console.log('one line at a time, whichever thread writes it'));
 * ```
 */
export function shared<T extends Disposable>(name: string, create: () => T): T {
  if (typeof name !== 'string' || name === '')
    throw new TypeError(`name must be a string that is not empty, received ${show(name)}`);
  checkFunction(create, 'create');
  const { handles, heap } = ownParking();
  const entry = entryOf(heap, name);
  let made: T | undefined;
  for (;;) {
    const found = objectIn(heap, entry);
    if (found !== 0 && handles.open(found, OBJECT_ENTRY, entry)) {
      made?.[Symbol.dispose]();
      return kindOf(heap.words[found + KIND]!)!.restore(found) as unknown as T;
    }
    made ??= create();
    const address = checkShared(made, 'what create() returns').kind.enter(made);
    checkNew(heap.words[address + OBJECT_ENTRY]!, entry);
    heap.words[address + OBJECT_ENTRY] = entry;
    if (replaceObject(heap, entry, found, address)) return made;
  }
}

function checkNew(known: number, entry: number): void {
  if (known !== 0 && known !== entry)
    throw new TypeError('create must return a new object, received one that has a name already');
}

function checkShared(value: unknown, name: string): { readonly number: number; readonly kind: Kind } {
  const found = typeof value === 'object' && value !== null ? kindOfHandle(value) : undefined;
  if (found === undefined)
    throw new TypeError(`${name} must be a shared object such as a Lock, received ${show(value)}`);
  return found;
}

function checkToken(token: unknown): Token {
  const { heddle, region: buffer } = (token ?? {}) as Partial<Token>;
  if (!(buffer instanceof SharedArrayBuffer) || heddle === undefined)
    throw new TypeError(`token must be what toToken() returns, received ${show(token)}`);
  if (heddle !== LAYOUT_VERSION)
    throw new TypeError(
      `Cannot use token: it was made by another version of heddle (layout ${heddle}, here ${LAYOUT_VERSION})`,
    );
  return token as Token;
}
