import { portable } from '../../../src/index.ts';

/** Values that do harm, and what threads do with them. */
export function thrower(): never {
  throw new TypeError('thrown by a getter');
}

const functions = {
  add(a: number, b: number): number {
    return a + b;
  },

  take(..._values: unknown[]): string {
    return 'taken';
  },

  echo(value: unknown): unknown {
    return value;
  },

  /** In a list: what has a method `then` would be waited for. */
  echoList(...values: unknown[]): unknown[] {
    return values;
  },

  nested(depth: number, innermost: unknown): unknown {
    return nest(depth, innermost);
  },

  lengthOf(value: { readonly length: number }): number {
    return value.length;
  },

  resultWithGetter(): object {
    return {
      get broken(): never {
        return thrower();
      },
    };
  },

  throwHostile(): never {
    throw Object.defineProperties(new RangeError('hostile'), {
      name: { value: Object.create(null) },
      field: { get: thrower, enumerable: true },
      message: { get: thrower },
    });
  },

  throwProxy(): never {
    throw revoked();
  },

  giveProxy(): unknown {
    return { list: [revoked()] };
  },
};

export function nest(depth: number, innermost: unknown = {}): unknown {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = { a: value };
  return value;
}

export function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

export const hostileJobs: typeof functions = portable(import.meta, functions);
