/** Values that nobody changes. */

/**
 * Freezes a value that has just been decoded, and all that is in it but functions, handles, and what cannot be frozen: the elements
 * of typed arrays. Gives the value.
 */
export function freezeDeep(root: unknown): unknown {
  const seen = new Set<unknown>();
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (ArrayBuffer.isView(value) || Symbol.dispose in value) continue;
    if (value instanceof Map) {
      for (const [key, item] of value) open.push(key, item);
      close(value, ['set', 'delete', 'clear']);
    } else if (value instanceof Set) {
      for (const item of value) open.push(item);
      close(value, ['add', 'delete', 'clear']);
    }
    for (const key of Reflect.ownKeys(value)) open.push((value as Record<PropertyKey, unknown>)[key]);
    Object.freeze(value);
  }
  return root;
}

/** What a map has is not in its properties. */
function close(value: object, methods: readonly string[]): void {
  const refuse = (): never => {
    throw new TypeError('Cannot change a value that threads share: it is frozen; copy it: new Map(value)');
  };
  for (const method of methods) Object.defineProperty(value, method, { value: refuse });
}
