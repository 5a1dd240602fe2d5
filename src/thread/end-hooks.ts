/**
 * What is to be done before this thread ends, which may take time: closing what was opened for its lifetime.
 *
 * An orderly end awaits the hooks, one after the other, the last first: `runEndHooks`, called by the thread's entry after its
 * last job; and on threads that nobody tells to end, the main one among them, `beforeExit`, when the loop has run out of work.
 * By `process.exit()` and an uncaught error they are called as well, but cannot be awaited. A thread that is terminated, or out
 * of memory, calls none.
 */
import { onOwnEnd } from '../platform/child-threads.ts';
import { outsideContext } from '../platform/no-context.ts';
import { report } from '../platform/report.ts';

/** `mayWait` is false if the thread is gone when this returns. */
export type EndHook = (mayWait: boolean) => unknown;

const hooks = new Set<EndHook>();
let listening = false;
let running: Promise<void> | undefined;

/** Has `hook` called once before this thread ends. Added again, it goes to the end, and so is called earlier. */
export function beforeThreadEnd(hook: EndHook): void {
  hooks.delete(hook);
  hooks.add(hook);
  if (listening) return;
  listening = true;
  process.on('beforeExit', () => {
    if (hooks.size > 0) void runEndHooks();
  });
  onOwnEnd(() => {
    for (let next = takeLast(); next !== undefined; next = takeLast()) void call(next, false);
  });
}

/** Whether there is anything to do before the end. */
export function hasEndHooks(): boolean {
  return hooks.size > 0 || running !== undefined;
}

/** Calls all, those that are added meanwhile too, and resolves when they are done. An error of one is reported. */
export function runEndHooks(): Promise<void> {
  running ??= outsideContext(runAll).finally(() => {
    running = undefined;
  });
  return running;
}

async function runAll(): Promise<void> {
  for (let next = takeLast(); next !== undefined; next = takeLast()) await call(next, true);
}

function takeLast(): EndHook | undefined {
  const last = [...hooks].at(-1);
  if (last !== undefined) hooks.delete(last);
  return last;
}

function call(hook: EndHook, mayWait: boolean): Promise<void> | undefined {
  try {
    const done = hook(mayWait);
    return Promise.resolve(done).then(() => {}, failed);
  } catch (error) {
    failed(error);
    return undefined;
  }
}

function failed(error: unknown): void {
  report('HEDDLE_CALLBACK_ERROR', 'What was to be disposed at the end of its thread threw', error);
}
