/** Values to their wire form. */
import { className, show } from '../core/arguments.ts';
import { isError, takeErrorApart } from '../core/error-wire.ts';
import { CaptureError, SendError } from '../core/errors.ts';
import { boundToLoop } from '../core/unsendable.ts';
import { type Kind, kindOfHandle } from '../memory/kinds.ts';
import { isHostObject, isMap, isProxy, isSet } from '../platform/serialize.ts';
import { isUntransferable, type Transferable } from '../platform/worker.ts';
import { BufferStandIns } from './buffer-stand-ins.ts';
import { CarrierMissing, carrierNamed, carrierOfFunction, carrierOfObject } from './carriers.ts';
import {
  describeKey,
  entriesOf,
  isPlatformObject,
  itemsOf,
  join,
  notePlace,
  shortened,
  unsendable,
} from './refusal.ts';
import { hasSpecial, isContainer, isLeaf } from './special.ts';
import { standardClassOf, takeStandard } from './standard-values.ts';
import { isStackOverflow, tooDeep } from './too-deep.ts';
import { isMarked, MovedByMessage, markedIn } from './transfers.ts';
import { type Companion, releaseWire, type Special, type Wire } from './wire.ts';

/** A class that was registered, as `registeredClass` of the hooks knows it. */
export interface RegisteredClass {
  /** Plain data that names the class. */
  readonly reference: unknown;
  /** What is sent of an object; without it its fields are. */
  readonly encode: ((value: object) => unknown) | undefined;
}

/** What the codec must be told about functions and classes, which it does not know itself. */
export interface EncodeHooks {
  /** Plain data that names a function, so that another thread finds it. Throws if it cannot be found. */
  readonly referenceTo: (fn: (...args: never[]) => unknown) => unknown;
  /** The URL of the module that exports the class of this error. */
  readonly moduleOfClass: (error: Error) => string | undefined;
  /** `undefined` unless the very class of the object was registered. Without this none is. */
  readonly registeredClass?: (value: object) => RegisteredClass | undefined;
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
  const companions: Companion[] = [];
  const encoder = new Encoder(specials, handles, companions, hooks);
  try {
    const rewritten = encoder.rewrite(value, path, undefined);
    const kept = hooks.shareBuffer && encoder.buffers?.share(hooks.shareBuffer);
    if (kept !== undefined) companions.push(kept);
    const { moved } = encoder;
    return {
      value: rewritten,
      specials,
      ...(handles.length > 0 && { handles }),
      ...(moved.size > 0 && { transfer: [...moved] }),
      ...(companions.length > 0 && { companions }),
    };
  } catch (error) {
    releaseWire({ value: undefined, handles, companions });
    throw error;
  }
}

/** Copies the containers of a value that has something special inside, putting stand-ins in its place. */
class Encoder {
  readonly #copies = new Map<object, object>();
  /** What they are of, in order. */
  readonly #begun: object[] = [];
  readonly #specials: Special[];
  readonly #handles: Disposable[];
  readonly #companions: Companion[];
  /** Objects that are being taken apart by their own code. */
  readonly #open = new Set<object>();
  readonly #hooks: EncodeHooks;
  /** What is moved, for `transfer()` has marked it or something around it. */
  readonly moved: Set<Transferable> = new Set();
  /** Those found so far; `undefined` if the wire is for a message. */
  readonly buffers: BufferStandIns | undefined;

  constructor(specials: Special[], handles: Disposable[], companions: Companion[], hooks: EncodeHooks) {
    this.#specials = specials;
    this.#handles = handles;
    this.#companions = companions;
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
    if (known !== undefined) {
      if (this.#open.has(value))
        throw new SendError(
          `${path}: ${className(value)} cannot be sent, for what it is made of has it inside`,
          path,
        );
      return known;
    }
    const registered = this.#hooks.registeredClass?.(value);
    if (registered !== undefined && (registered.encode !== undefined || !isError(value)))
      return this.#instance(value, path, registered);
    if (isError(value)) return this.#error(value, path);
    const shared = kindOfHandle(value);
    if (shared !== undefined) return this.#handle(value, path, shared);
    const standard = standardClassOf(value);
    if (standard !== undefined) return this.#standard(value, path, standard);
    const carrier = isContainer(value) ? undefined : carrierOfObject(value);
    if (carrier !== undefined) return this.#carried(value, path, carrier);
    const bound = boundToLoop(value);
    if (bound !== undefined) throw unsendable(path, `${bound}, which belongs to its loop,`, owner);
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
    const known = this.#copies.get(fn);
    if (known !== undefined) {
      if (this.#open.has(fn)) throw unsendable(path, `${show(fn)}, which captures itself,`, owner);
      return known;
    }
    const carrier = carrierOfFunction(fn);
    if (carrier !== undefined) return this.#carried(fn, path, carrier);
    if (owner !== undefined) throw unsendable(path, show(fn), owner);
    const shared = kindOfHandle(fn);
    if (shared !== undefined) return this.#handle(fn, path, shared);
    const standIn = this.#standInFor(fn);
    try {
      const reference = this.#referenceTo(fn, path);
      this.#specials.push(
        hasSpecial(reference, undefined, this.#hooks)
          ? this.#capturing(fn, path, standIn, reference)
          : { standIn, kind: 'function', reference },
      );
    } catch (error) {
      if (saysAll(error)) throw error;
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

  #referenceTo(fn: (...args: never[]) => unknown, path: string): { readonly values?: unknown } {
    try {
      return this.#hooks.referenceTo(fn) as { readonly values?: unknown };
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      throw new CaptureError(`${shortened(path)}: ${error.message}`, error.variables);
    }
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

  /** What it captures is more than data. */
  #capturing(fn: object, path: string, standIn: object, reference: { readonly values?: unknown }): Special {
    this.#open.add(fn);
    try {
      const captured = this.rewrite(reference.values, `${path}.captured`, undefined);
      return { standIn, kind: 'function', reference: { ...reference, values: undefined }, captured };
    } finally {
      this.#open.delete(fn);
    }
  }

  #instance(value: object, path: string, { reference, encode }: RegisteredClass): object {
    const standIn = this.#standInFor(value);
    // The fields of such an object may be of any kind, as it is itself.
    const data =
      encode === undefined
        ? this.#ownFields(value, {}, path, undefined)
        : this.#apart(value, path, () => encode(value));
    const special = { standIn, kind: 'instance', reference, encoded: encode !== undefined, data } as const;
    this.#specials.push(special);
    notePlace(special, path);
    return standIn;
  }

  #carried(value: object, path: string, name: string): object {
    const carrier = carrierNamed(name);
    if (carrier === undefined) throw new CarrierMissing(`The carrier "${name}" has not been loaded`);
    const standIn = this.#standInFor(value);
    const data = this.#apart(value, path, () => {
      const { data: apart, companion } = carrier.takeApart(value);
      if (companion !== undefined) this.#companions.push(companion);
      return apart;
    });
    const special = { standIn, kind: 'carried', carrier: name, data } as const;
    this.#specials.push(special);
    notePlace(special, path);
    return standIn;
  }

  /** What an object is made of, by its own code. */
  #apart(value: object, path: string, takeApart: () => unknown): unknown {
    this.#open.add(value);
    try {
      return this.rewrite(takeApart(), path, undefined);
    } catch (error) {
      if (saysAll(error)) throw error;
      throw new SendError(
        `${path}: ${className(value)} cannot be sent to a thread: ${(error as Error)?.message ?? show(error)}`,
        path,
        { cause: error },
      );
    } finally {
      this.#open.delete(value);
    }
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
    return this.#ownFields(from, to, path, owner);
  }

  #ownFields(
    from: object,
    to: object,
    path: string,
    owner: { path: string; name: string } | undefined,
  ): object {
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

/** Whether it needs no words of ours around it. */
function saysAll(error: unknown): boolean {
  return error instanceof SendError || error instanceof CaptureError || error instanceof CarrierMissing;
}
