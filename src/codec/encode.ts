/** Values to their wire form. */
import { className, show } from '../core/arguments.ts';
import { isError, takeErrorApart } from '../core/error-wire.ts';
import { CaptureError, SendError } from '../core/errors.ts';
import { boundToLoop } from '../core/unsendable.ts';
import { type Kind, kindOfHandle } from '../memory/kinds.ts';
import { isHostObject, isMap, isProxy, isSet } from '../platform/serialize.ts';
import { isUntransferable, type Transferable } from '../platform/worker.ts';
import { BufferStandIns, sharedBufferOf } from './buffer-stand-ins.ts';
import { describeKey, entriesOf, isPlatformObject, itemsOf, join, unsendable } from './refusal.ts';
import { standardClassOf, takeStandard } from './standard-values.ts';
import { isStackOverflow, tooDeep } from './too-deep.ts';
import { isMarked, MovedByMessage, markedIn } from './transfers.ts';
import type { Special, Wire } from './wire.ts';

/** What the codec must be told about functions and classes, which it does not know itself. */
export interface EncodeHooks {
  /** Plain data that names a function, so that another thread finds it. Throws if it cannot be found. */
  readonly referenceTo: (fn: (...args: never[]) => unknown) => unknown;
  /** The URL of the module that exports the class of this error. */
  readonly moduleOfClass: (error: Error) => string | undefined;
  /**
   * A number for a SharedArrayBuffer by which another thread gets it (`DecodeHooks.bufferOf`); called once for each
   * buffer in a value, when all else has succeeded. With it the wire can be made into bytes: what only a message can
   * carry is refused. Without it the wire is for a message, which carries buffers itself.
   */
  readonly shareBuffer?: (buffer: SharedArrayBuffer) => number;
  /** What becomes of what `transfer()` marked: it is listed in the wire, or refused (`MovedByMessage`). Without this it is copied. */
  readonly transfers?: 'list' | 'refuse';
}

/**
 * The wire form of `value`. Nothing is copied unless something special is inside; `path` is what the value is called
 * in error messages (`args`, `result`).
 *
 * @throws SendError, CaptureError for what cannot be sent, with the path to it; what a getter throws. Host objects that only the structured
 * clone itself can refuse are found when the message is posted: see `explainCloneFailure`.
 */
export function encode<T>(value: T, path: string, hooks: EncodeHooks): Wire<T> {
  try {
    return encodeWhole(value, path, hooks);
  } catch (error) {
    throw isStackOverflow(error) ? tooDeep(path, error) : error;
  }
}

function encodeWhole<T>(value: T, path: string, hooks: EncodeHooks): Wire<T> {
  if (!hasSpecial(value, undefined, hooks)) return { value };
  const specials: Special[] = [];
  const handles: Disposable[] = [];
  const encoder = new Encoder(specials, handles, hooks);
  try {
    const rewritten = encoder.rewrite(value, path, undefined);
    if (hooks.shareBuffer) encoder.buffers?.share(hooks.shareBuffer);
    const { moved } = encoder;
    return {
      value: rewritten,
      specials,
      ...(handles.length > 0 && { handles }),
      ...(moved.size > 0 && { transfer: [...moved] }),
    };
  } catch (error) {
    for (const handle of handles) handle[Symbol.dispose]();
    throw error;
  }
}

/** Whether there is something in a wire, made for a message, that bytes would carry wrongly or not at all. */
export function isForMessageOnly({ value, specials }: Wire<unknown>, hooks: EncodeHooks): boolean {
  // The stand-ins say nothing, and what they stand for is plain data.
  return hasSpecial([value, specials], undefined, hooks);
}

/** Whether structured clone alone, or a serialization to bytes alone, would refuse or damage the value. */
function hasSpecial(value: unknown, seen: Set<object> | undefined, hooks: EncodeHooks): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return true;
  if (typeof value !== 'object' || value === null) return false;
  // First, for it can do anything when it is looked at.
  if (isProxy(value)) return true;
  if (hooks.transfers !== undefined && isMarked(value)) return true;
  const toBytes = hooks.shareBuffer !== undefined;
  if (isLeaf(value)) return toBytes && sharedBufferOf(value) !== undefined;
  if (isError(value) || isOurs(value) || (toBytes && isHostObject(value))) return true;
  seen ??= new Set();
  if (seen.has(value)) return false;
  seen.add(value);
  if (isMap(value)) {
    for (const [key, item] of entriesOf(value))
      if (hasSpecial(key, seen, hooks) || hasSpecial(item, seen, hooks)) return true;
    return false;
  }
  if (isSet(value)) {
    for (const item of itemsOf(value)) if (hasSpecial(item, seen, hooks)) return true;
    return false;
  }
  let keys: readonly string[];
  if (Array.isArray(value)) {
    const { length } = value;
    let holes = 0;
    let index = 0;
    for (; index < length && (holes < MANY || holes < index / 2); index++) {
      const item: unknown = value[index];
      if (item === undefined) holes++;
      else if (isCompound(item) && hasSpecial(item, seen, hooks)) return true;
    }
    // What else it has. Long ones are not asked, which takes longer than all this; but nor is every hole looked at.
    if (index === length && length > MANY) return false;
    keys = Object.keys(value).slice(Math.max(0, index - holes));
  } else keys = Object.keys(value);
  for (const key of keys) {
    const item = (value as Record<string, unknown>)[key];
    if (isCompound(item) && hasSpecial(item, seen, hooks)) return true;
  }
  return false;
}

/** So many elements are many for an array. */
const MANY = 1000;

/** Handles of shared objects, what cannot leave its loop, and what travels as its data. */
function isOurs(value: object): boolean {
  if (Object.getPrototypeOf(value) === Object.prototype) return false;
  return (
    kindOfHandle(value) !== undefined ||
    boundToLoop(value) !== undefined ||
    standardClassOf(value) !== undefined
  );
}

function isCompound(value: unknown): boolean {
  return typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol';
}

/** Objects that structured clone carries whole and that have no user values inside. */
function isLeaf(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof SharedArrayBuffer ||
    value instanceof Date ||
    value instanceof RegExp
  );
}

/** Copies the containers of a value that has something special inside, putting stand-ins in its place. */
class Encoder {
  readonly #copies = new Map<object, object>();
  /** What they are of, in order. */
  readonly #begun: object[] = [];
  readonly #specials: Special[];
  readonly #handles: Disposable[];
  readonly #hooks: EncodeHooks;
  /** What is moved, for `transfer()` has marked it or something around it. */
  readonly moved: Set<Transferable> = new Set();
  /** Those found so far; `undefined` if the wire is for a message. */
  readonly buffers: BufferStandIns | undefined;

  constructor(specials: Special[], handles: Disposable[], hooks: EncodeHooks) {
    this.#specials = specials;
    this.#handles = handles;
    this.#hooks = hooks;
    this.buffers = hooks.shareBuffer && new BufferStandIns(this.#copies, specials);
  }

  /** `owner` is the outermost class instance around the value: that is what a user thinks of as unsendable. */
  rewrite(value: unknown, path: string, owner: { path: string; name: string } | undefined): unknown {
    if (typeof value === 'symbol') throw unsendable(path, String(value), owner);
    if (typeof value === 'function')
      return this.#function(value as (...args: never[]) => unknown, path, owner);
    if (typeof value !== 'object' || value === null) return value;
    if (isProxy(value)) throw unsendable(path, 'Proxy', owner);
    if (this.#hooks.transfers !== undefined && isMarked(value)) this.#move(value, path);
    if (isLeaf(value)) return this.buffers?.standInFor(value) ?? value;
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    if (isError(value)) return this.#error(value, path);
    const bound = boundToLoop(value);
    if (bound !== undefined) throw unsendable(path, `${bound}, which belongs to its loop,`, owner);
    const shared = kindOfHandle(value);
    if (shared !== undefined) return this.#handle(value, path, shared);
    const standard = standardClassOf(value);
    if (standard !== undefined) return this.#standard(value, path, standard);
    if (this.buffers !== undefined && isHostObject(value))
      throw unsendable(path, `${className(value)}, which cannot be copied as bytes,`, owner);
    if (Array.isArray(value)) return this.#fields(value, new Array(value.length), path, owner);
    if (isMap(value)) return this.#map(value, path, owner);
    if (isSet(value)) return this.#set(value, path, owner);
    const name = className(value);
    // What the platform made (a Blob, a WeakMap) is more than its fields: structured clone takes it whole, or refuses.
    if (isPlatformObject(value)) return value;
    if (name === 'Object') return this.#fields(value, {}, path, owner);
    if (!hasSpecial(value, undefined, this.#hooks)) return value;
    return this.#fields(value, {}, path, owner ?? { path, name });
  }

  #move(value: object, path: string): void {
    if (this.#hooks.transfers === 'refuse')
      throw new MovedByMessage(`${path}: ${className(value)} cannot be moved as bytes`, path);
    for (const one of markedIn(value)) {
      if (isUntransferable(one))
        throw new SendError(
          `${path}: ${className(value)} cannot be moved, for the runtime shares its memory with others; copy it: new Uint8Array(value)`,
          path,
        );
      this.moved.add(one);
    }
  }

  #function(
    fn: (...args: never[]) => unknown,
    path: string,
    owner: { path: string; name: string } | undefined,
  ): object {
    if (owner !== undefined) throw unsendable(path, show(fn), owner);
    const known = this.#copies.get(fn);
    if (known !== undefined) return known;
    const shared = kindOfHandle(fn);
    if (shared !== undefined) return this.#handle(fn, path, shared);
    const standIn = this.#standInFor(fn);
    try {
      const reference = this.#hooks.referenceTo(fn);
      if (hasSpecial(reference, undefined, this.#hooks))
        throw new TypeError(
          'it captures a handle, an error or a function; pass that as an argument of its own, or submit the function itself',
        );
      this.#specials.push({ standIn, kind: 'function', reference });
    } catch (error) {
      if (error instanceof CaptureError) throw error;
      throw new SendError(
        `${path}: ${show(fn)} cannot be sent to a thread: ${(error as Error).message}`,
        path,
        {
          cause: error,
        },
      );
    }
    return standIn;
  }

  #error(error: Error, path: string): object {
    const standIn = this.#standInFor(error);
    const nested = (value: unknown, key: string): unknown => {
      const before = this.#begun.length;
      try {
        return this.rewrite(value, `${path}.${key}`, undefined);
      } catch (refused) {
        // It is left out. What was begun of it must not be taken for whole where it is met again.
        for (const one of this.#begun.splice(before)) this.#copies.delete(one);
        throw refused;
      }
    };
    const wire = takeErrorApart(error, this.#hooks.moduleOfClass(error), nested);
    this.#specials.push({ standIn, kind: 'error', error: wire });
    return standIn;
  }

  #standard(value: object, path: string, type: string): object {
    try {
      this.#specials.push({
        standIn: this.#standInFor(value),
        kind: 'standard',
        type,
        data: takeStandard(type, value),
      });
    } catch (error) {
      throw unsendable(path, `${type}, which is none,`, undefined, error);
    }
    return this.#copies.get(value)!;
  }

  #handle(
    value: object,
    path: string,
    { number, kind }: { readonly number: number; readonly kind: Kind },
  ): object {
    const standIn = this.#standInFor(value);
    const attachment = kind.attached?.(value);
    const attached = attachment && this.rewrite(attachment, path, undefined);
    const object = kind.enter(value);
    this.#handles.push(kind.another(value));
    this.#specials.push({
      standIn,
      kind: 'handle',
      type: number,
      object,
      ...(attached !== undefined && { attached }),
    });
    return standIn;
  }

  #standInFor(value: object): object {
    return this.#begin(value, {});
  }

  #begin<T extends object>(from: object, to: T): T {
    this.#copies.set(from, to);
    this.#begun.push(from);
    return to;
  }

  #fields(from: object, to: object, path: string, owner: { path: string; name: string } | undefined): object {
    this.#begin(from, to);
    const source = from as Record<string, unknown>;
    for (const key of Object.keys(from)) {
      const item = this.rewrite(source[key], join(path, key, Array.isArray(from)), owner);
      // Defined, not assigned: a key may be `__proto__`.
      Object.defineProperty(to, key, { value: item, enumerable: true, configurable: true, writable: true });
    }
    return to;
  }

  #map(from: Map<unknown, unknown>, path: string, owner: { path: string; name: string } | undefined): object {
    const to = this.#begin(from, new Map<unknown, unknown>());
    let index = 0;
    for (const [key, item] of entriesOf(from)) {
      const keyPath = `${path}.keys()[${index}]`;
      to.set(
        this.rewrite(key, keyPath, owner),
        this.rewrite(item, `${path}.get(${describeKey(key)})`, owner),
      );
      index++;
    }
    return to;
  }

  #set(from: Set<unknown>, path: string, owner: { path: string; name: string } | undefined): object {
    const to = this.#begin(from, new Set<unknown>());
    let index = 0;
    for (const item of itemsOf(from)) to.add(this.rewrite(item, `${path}.values()[${index++}]`, owner));
    return to;
  }
}
