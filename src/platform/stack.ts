/** Room on the stack. */

/** So many frames: more than any path below a hand-over takes, and what the engine needs to compile it. */
const FRAMES = 96;

/**
 * Throws the RangeError of a stack overflow here and now, where nothing has been changed, rather than a few calls
 * further on, between a change and what must follow it.
 */
export function probeStack(): void {
  probe(FRAMES, 0, 0, 0);
}

function probe(left: number, a: number, b: number, c: number): number {
  return left === 0 ? a + b + c : probe(left - 1, b + 1, c + 1, a + 1) + 1;
}
