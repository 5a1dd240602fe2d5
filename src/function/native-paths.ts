/** Finding again, by a path from the global object, the functions that the language itself provides. */

let paths: Map<unknown, string> | undefined;

/** An expression whose value in any thread is what `fn` is here; `undefined` if it is none of the language's own. */
export function pathOfNative(fn: unknown): string | undefined {
  paths ??= collect();
  return paths.get(fn);
}

/** Those which ECMAScript names; what else is on the global object belongs to one runtime or to the program. */
const ROOTS: readonly string[] =
  `Object Function Array String Number Boolean BigInt Symbol Math JSON Reflect Date RegExp Promise Proxy Map Set WeakMap
  WeakSet WeakRef Iterator Error AggregateError EvalError RangeError ReferenceError SuppressedError SyntaxError TypeError
  URIError ArrayBuffer SharedArrayBuffer DataView Int8Array Uint8Array Int32Array Uint32Array Float64Array parseInt
  parseFloat isNaN isFinite encodeURI encodeURIComponent decodeURI decodeURIComponent escape unescape`.split(
    /\s+/,
  );

function collect(): Map<unknown, string> {
  const found = new Map<unknown, string>();
  const add = (value: unknown, path: string): void => {
    if (typeof value === 'function' && !found.has(value)) found.set(value, path);
  };
  for (const root of ROOTS) {
    const value = (globalThis as Record<string, unknown>)[root];
    add(value, root);
    for (const [holder, path] of [
      [value, root],
      [(value as { prototype?: unknown } | undefined)?.prototype, `${root}.prototype`],
    ] as const) {
      if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null) continue;
      for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(holder)))
        add(descriptor.value, `${path}.${key}`);
    }
  }
  return found;
}
