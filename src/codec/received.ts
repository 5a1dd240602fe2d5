/** What has come in a value and is still bound to where it came from: for whoever opens the value. */
let list: unknown[] | undefined;

/** Called while a value is decoded. */
export function addReceived(one: unknown): void {
  list?.push(one);
}

/** What `open` gives, and what was received with that. */
export function openWith<T>(open: () => T): readonly [value: T, received: readonly unknown[]] {
  const outer = list;
  const received: unknown[] = [];
  list = received;
  try {
    return [open(), received];
  } finally {
    list = outer;
  }
}

let late = false;

/**
 * Called while a value is decoded with a stream in it. That begins in a microtask, and what reads it before runs then in the
 * context of the decoding: so whoever opens it for others hands it over later.
 */
export function beginsLater(): void {
  late = true;
}

/** Whether that was called since this was. */
export function tookLate(): boolean {
  const was = late;
  late = false;
  return was;
}
