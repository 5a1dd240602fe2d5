/** Classes whose objects belong to their loop: a structured clone of one would be an empty object that looks alive. */

const classes = new Map<unknown, string>([
  [AbortSignal, 'an AbortSignal'],
  [AbortController, 'an AbortController'],
  [EventTarget, 'an EventTarget'],
]);

/** Says that objects of the class, which users call `what`, cannot be sent to a thread. */
export function bindToLoop(type: { readonly prototype: object }, what: string): void {
  classes.set(type, what);
}

/** What an object is that belongs to its loop: `a guard`; `undefined` for every other. */
export function boundToLoop(value: object): string | undefined {
  return classes.get((value as { constructor?: unknown }).constructor);
}
