/** Turns of the event loop of this thread, and what the runtime itself has under way on it. For tests. */

/** Resolves in the next turn of the loop, when all microtasks and what was to be done in this one are done. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How many requests the runtime has under way, as reading a file or connecting. 0 where it does not tell. */
export function busyRequests(): number {
  const resources = process.getActiveResourcesInfo?.() ?? [];
  return resources.filter((name) => /Req/.test(name)).length;
}

/** What keeps the loop of this thread up, by its names of the runtime. */
export function loopResources(): readonly string[] {
  return process.getActiveResourcesInfo?.() ?? [];
}

/** Collects garbage, if the runtime was started so that it can be told to. */
export function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}
