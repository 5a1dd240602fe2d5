/** Errors of tasks and futures that nobody awaits: each is reported exactly once, and none that is awaited later. */
import { report } from '../platform/report.ts';
import { currentScope, type Scope } from './scope.ts';

/** One error that nobody has looked at yet. Holds nothing that leads back to its task or future, as a scope would. */
interface Entry {
  readonly text: string;
  readonly error: unknown;
  readonly root: WeakRef<Scope> | undefined;
}

const unreported = new Set<Entry>();
let registry: FinalizationRegistry<Entry> | undefined;

/**
 * Watches over the error of one task or future, which holds it. The report (`HEDDLE_UNAWAITED_ERROR`) comes when the
 * holder has been collected, when the `run` in which it was made ends, or before the process does; so an error that is
 * awaited long after it happened is none.
 */
export class Unawaited {
  #describe: (() => string) | undefined;
  readonly #root: Scope | undefined;
  #entry: Entry | undefined;
  #observed = false;

  /** `describe` is called as soon as the error comes. `scope` is where the work was started, by default here. */
  constructor(describe: () => string, scope: Scope | undefined = currentScope()) {
    this.#describe = describe;
    this.#root = rootOf(scope);
  }

  /** The work failed. Not to be called for a cancellation: that is no error. */
  rejected(error: unknown): void {
    if (this.#observed || this.#entry !== undefined) return;
    this.#entry = {
      text: this.#describe?.() ?? 'a task',
      error,
      root: this.#root && new WeakRef(this.#root),
    };
    this.#describe = undefined;
    // Until somebody reads its stack, an error holds the frames it came through, and by them its task.
    if (error instanceof Error) void error.stack;
    if (unreported.size === 0) process.on('beforeExit', reportAll);
    unreported.add(this.#entry);
    registry ??= new FinalizationRegistry(reportEntry);
    registry.register(this, this.#entry, this);
  }

  /** Somebody awaits the work, or has been given the error otherwise. */
  observed(): void {
    this.#observed = true;
    if (this.#entry === undefined) return;
    registry?.unregister(this);
    forget(this.#entry);
    this.#entry = undefined;
  }
}

/** Reports what nobody has awaited of the tasks and futures made under `root`. */
export function reportUnawaited(root: Scope): void {
  for (const entry of [...unreported]) if (entry.root?.deref() === root) reportEntry(entry);
}

function reportAll(): void {
  for (const entry of [...unreported]) reportEntry(entry);
}

function reportEntry(entry: Entry): void {
  if (!forget(entry)) return;
  const message = entry.error instanceof Error ? entry.error.message : String(entry.error);
  report('HEDDLE_UNAWAITED_ERROR', `Nobody awaited ${entry.text}, which failed: ${message}`, entry.error);
}

function forget(entry: Entry): boolean {
  if (!unreported.delete(entry)) return false;
  if (unreported.size === 0) process.off('beforeExit', reportAll);
  return true;
}

function rootOf(scope: Scope | undefined): Scope | undefined {
  while (scope?.parent !== undefined) scope = scope.parent;
  return scope;
}
