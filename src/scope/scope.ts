/**
 * The tree of scopes: what is cancelled together, and who waits for whom at the end.
 *
 * A scope is opened by every task and by every block that can be cancelled apart from the task around it (a task
 * group, a time-out, a shield). Cancelling one walks down the tree by itself: no listeners, no AbortControllers,
 * unless somebody asks for the scope's `signal`.
 */
import { CancelledError } from '../core/errors.ts';
import { type Ambient, createAmbient } from '../platform/ambient.ts';
import { report } from '../platform/report.ts';
import { someCause } from './causes.ts';
import type { Holding } from './holdings.ts';
import type { Task } from './task.ts';

/** Work that belongs to a scope though it runs elsewhere, such as a job in another thread. */
export interface AttachedChild {
  /** Asks the work to end. `reason` is the `CancelledError` of the scope. Called once at most, unless it is over. */
  cancel(reason: unknown): void;
  /** Whether it has not begun, and never will if it is cancelled now: this is done before any that runs hears of it. */
  readonly waits?: boolean;
  /** Whether it ends with the function of the scope, though nothing failed: an iterator, which nobody reads on. */
  readonly endsWithFunction?: boolean;
  /** What that function gave has it: it belongs to `heir` from now on, if there is one. False if it is not in there. */
  givenBack?(value: unknown, heir: Scope | undefined): boolean;
  /** Fulfilled when the work has really ended. Never rejects. */
  readonly ended: PromiseLike<unknown>;
  /** Ends the work by force, if it was cancelled and goes on all the same. */
  terminate(): void;
  /** What it is: `job "resize"`. */
  describe(): string;
  /** The same with where it is, for a report: `job "resize" (running for 12 ms in thread "pool-1-1")`. */
  report?(): string;
}

/** A wait of the scope's own code. */
export interface ScopeWait {
  /** Where it stands; changes when its scope closes before it. */
  scope: Scope | undefined;
  /** Ends the wait: the scope was cancelled. Must not run code of the user. */
  cancelled(error: CancelledError): void;
  /** What is waited for, as it stands in an error: `Cannot acquire lock "cache"`, or a thing. */
  describe?(): string | undefined;
}

export interface ScopeOptions {
  /** Not reached by the cancellation of what is around it. */
  readonly shielded?: boolean;
  /** Is cancelled by itself after some time. */
  readonly limited?: boolean;
  /** Is cancelled with the one around it, but not awaited by it: when that ends first, it goes on below the next, as waits do. */
  readonly loose?: boolean;
  /** Called once when the scope is cancelled, after the whole tree below has been marked. */
  readonly onCancelled?: (error: CancelledError, scope: Scope) => void;
  /** Called by `cancelled()` and `throwIfCancelled()`: a chance to learn of a cancellation from another thread. */
  readonly poll?: (scope: Scope) => void;
}

const NO_OPTIONS: ScopeOptions = {};

// Invariants
// - `#cancellation` is set once and never changes: the first to cancel a scope wins.
// - An open scope stands in `#members` of its parent from its creation to `close()`, shielded or not.
// - If a scope is cancelled, so is every open scope below it, down to the shields.
export class Scope {
  readonly parent: Scope | undefined;
  readonly shielded: boolean;
  /** The task whose code runs in this scope: its own, or the one around it. */
  task: Task<unknown> | undefined;
  /** Whether `task` is the task of this very scope, so that the two end together. */
  isTask = false;
  /** What the task of this scope must give back before it ends. */
  holdings: Set<Holding> | undefined;

  readonly #options: ScopeOptions;
  #cancellation: CancelledError | undefined;
  #closed = false;
  #joining = false;
  #controller: AbortController | undefined;
  #members: Set<Scope | AttachedChild> | undefined;
  #waits: Set<ScopeWait> | undefined;
  /** The loose scopes below it; and below which one it stands itself, if it is loose. */
  #loose: Set<Scope> | undefined;
  #above: Scope | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(parent: Scope | undefined, options: ScopeOptions = NO_OPTIONS) {
    this.parent = parent;
    this.#options = options;
    this.shielded = options.shielded ?? false;
    if (parent === undefined) return;
    this.task = parent.task;
    if (options.loose === true) parent.#adopt(this);
    else {
      parent.#members ??= new Set();
      parent.#members.add(this);
    }
    if (!this.shielded) this.#cancellation = parent.#cancellation;
  }

  /** The error with which every wait in this scope rejects; `undefined` while it is not cancelled. */
  get cancellation(): CancelledError | undefined {
    return this.#cancellation;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether scopes or attached work are still open in it. */
  get busy(): boolean {
    return this.#members !== undefined && this.#members.size > 0;
  }

  /** Whether it, or one around it whose cancellation reaches it, is cancelled by itself after some time. */
  get isLimited(): boolean {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      if (scope.#options.limited === true) return true;
      if (scope.shielded) return false;
    }
    return false;
  }

  /** Aborted when the scope is cancelled, with its very `CancelledError` as the reason. Made when first asked for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cancellation !== undefined) this.#controller.abort(this.#cancellation);
    }
    return this.#controller.signal;
  }

  /** Cancels the scope and all below it. False if it had been cancelled or had ended before. */
  cancel(reason?: unknown): boolean {
    if (this.#closed || this.#cancellation !== undefined) return false;
    Scope.#spread(this, makeCancellation(reason));
    return true;
  }

  /** Whether the error is the cancellation of this scope or of one around it, or was caused by it. */
  isCancellation(error: unknown): boolean {
    return someCause(error, (one) => {
      if (!(one instanceof CancelledError)) return false;
      for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent)
        if (scope.#cancellation === one) return true;
      return false;
    });
  }

  /** Looks for a cancellation that only shared memory knows of yet. */
  poll(): void {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent)
      scope.#options.poll?.(scope);
  }

  addWait(wait: ScopeWait): void {
    this.#waits ??= new Set();
    this.#waits.add(wait);
    wait.scope = this;
  }

  removeWait(wait: ScopeWait): void {
    this.#waits?.delete(wait);
    wait.scope = undefined;
  }

  /** Makes the work a part of this scope; returns what takes it out again. */
  attach(child: AttachedChild): () => void {
    this.#members ??= new Set();
    this.#members.add(child);
    if (this.#joining) this.#detachWhenEnded(child);
    if (this.#cancellation !== undefined) cancelChild(child, this.#cancellation);
    else if (this.#joining && child.endsWithFunction === true) cancelChild(child, functionHasEnded());
    return () => this.#remove(child);
  }

  /** Its function has ended, and gave that: so do iterators that were left half read, but those that it gave. */
  functionEnded(value?: unknown): void {
    if (this.#members === undefined) return;
    for (const member of [...this.#members]) {
      if (member instanceof Scope || member.endsWithFunction !== true) continue;
      if (value === undefined || member.givenBack?.(value, nearestOpen(this.parent)) !== true)
        cancelChild(member, functionHasEnded());
    }
  }

  /** Resolves once nothing is open in it any more. */
  async join(): Promise<void> {
    if (!this.#joining) {
      this.#joining = true;
      for (const member of this.#members ?? []) if (!(member instanceof Scope)) this.#detachWhenEnded(member);
    }
    while (this.busy) {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
    }
  }

  /** Ends the scope. What its code still waits for goes on as a wait of the scope around it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.parent !== undefined) this.parent.#remove(this);
    if (this.#above !== undefined) this.#above.#loose?.delete(this);
    const waits = this.#waits;
    const loose = this.#loose;
    this.#waits = undefined;
    this.#loose = undefined;
    if (waits === undefined && loose === undefined) return;
    const heir = nearestOpen(this.parent);
    for (const wait of waits ?? []) {
      if (heir === undefined) wait.scope = undefined;
      else if (heir.#cancellation === undefined) heir.addWait(wait);
      else wait.cancelled(heir.#cancellation);
    }
    for (const one of loose ?? []) one.#goOnBelow(heir);
  }

  #below(): Iterable<Scope | AttachedChild> {
    const members = this.#members ?? [];
    return this.#loose === undefined ? members : [...members, ...this.#loose];
  }

  #goOnBelow(heir: Scope | undefined): void {
    this.#above = undefined;
    this.task = heir?.task;
    if (heir === undefined) return;
    heir.#adopt(this);
    const error = heir.#cancellation;
    if (error !== undefined && !this.shielded && this.#cancellation === undefined) Scope.#spread(this, error);
  }

  #adopt(one: Scope): void {
    this.#loose ??= new Set();
    this.#loose.add(one);
    one.#above = this;
  }

  /** What is still open in it, for a report; `elsewhere`: also work that runs elsewhere. */
  describeMembers(elsewhere: boolean = true): string[] {
    const found: string[] = [];
    for (const member of this.#members ?? []) {
      if (!(member instanceof Scope)) {
        if (elsewhere) found.push(member.report?.() ?? member.describe());
      } else if (member.busy) found.push(...member.describeMembers(elsewhere));
      else
        found.push(
          `${member.isTask ? 'task' : 'a block of task'} "${pathOf(member)}"${member.describeWaits()}`,
        );
    }
    return found;
  }

  /** What its code waits for, as far as is known: ` (waiting to acquire lock "cache")`. */
  describeWaits(): string {
    for (const wait of this.#waits ?? []) {
      const what = wait.describe?.();
      if (what !== undefined)
        return ` (waiting ${what.startsWith('Cannot ') ? `to ${what.slice(7)}` : `for ${what}`})`;
    }
    return '';
  }

  /** Ends by force the work elsewhere that was cancelled with the scope and has not ended; gives what that was. */
  terminateMembers(): string[] {
    const ended: string[] = [];
    for (const member of [...(this.#members ?? [])]) {
      if (!(member instanceof Scope)) {
        ended.push(member.report?.() ?? member.describe());
        member.terminate();
      } else if (!member.shielded) ended.push(...member.terminateMembers());
    }
    return ended;
  }

  #remove(member: Scope | AttachedChild): void {
    if (this.#members?.delete(member) && this.#members.size === 0) {
      const tell = this.#whenEmpty;
      this.#whenEmpty = undefined;
      tell?.();
    }
  }

  #detachWhenEnded(child: AttachedChild): void {
    const detach = (): void => this.#remove(child);
    // Outside of every scope: this wait is the one that cancellation must not cut short.
    ambient.run(undefined, () => child.ended.then(detach, detach));
  }

  /** Marks the whole tree first, then wakes: listeners of signals are code of the user and may do anything. */
  static #spread(root: Scope, error: CancelledError): void {
    root.#cancellation = error;
    const reached = [root];
    for (const scope of reached) {
      for (const member of scope.#below()) {
        if (member instanceof Scope && !member.shielded && member.#cancellation === undefined) {
          member.#cancellation = error;
          reached.push(member);
        }
      }
    }
    // Else one that runs might make room for it.
    for (const scope of reached) scope.#withdraw(error);
    for (const scope of reached) scope.#wake(error);
  }

  #withdraw(error: CancelledError): void {
    for (const member of [...(this.#members ?? [])])
      if (!(member instanceof Scope) && member.waits === true) cancelChild(member, error);
  }

  #wake(error: CancelledError): void {
    const waits = this.#waits;
    this.#waits = undefined;
    for (const wait of waits ?? []) wait.cancelled(error);
    for (const member of [...(this.#members ?? [])])
      if (!(member instanceof Scope)) cancelChild(member, error);
    this.#options.onCancelled?.(error, this);
    this.#controller?.abort(error);
  }
}

/** The tasks around a scope by their names, the outermost first: `main > crawl > fetch #3`. */
export function pathOf(scope: Scope | undefined): string {
  const names: string[] = [];
  for (let at = scope; at !== undefined; at = at.parent) if (at.isTask) names.unshift(at.task!.name);
  return names.join(' > ');
}

/** Which scope the code that runs now belongs to. */
export const ambient: Ambient<Scope> = createAmbient<Scope>();

/** The innermost open scope around the code that runs now; none for code left over by a task that has settled. */
export function currentScope(): Scope | undefined {
  return nearestOpen(ambient.get());
}

/**
 * Attaches work that runs elsewhere to the current scope: cancelling the scope cancels it, and the scope's end awaits
 * it. Returns what detaches it, to be called when the work has ended. Outside any task and block it does nothing.
 */
export function attachToTask(child: AttachedChild): () => void {
  return currentScope()?.attach(child) ?? NOTHING;
}

const NOTHING = (): void => {};

function nearestOpen(scope: Scope | undefined): Scope | undefined {
  while (scope?.closed) {
    if (scope.isTask) return undefined;
    scope = scope.parent;
  }
  return scope;
}

function cancelChild(child: AttachedChild, error: CancelledError): void {
  try {
    child.cancel(error);
  } catch (thrown) {
    report('HEDDLE_CALLBACK_ERROR', `Cannot cancel ${child.describe()}: its cancel function threw`, thrown);
  }
}

function functionHasEnded(): CancelledError {
  return makeCancellation('what it belongs to has ended');
}

function makeCancellation(reason: unknown): CancelledError {
  return new CancelledError(describeReason(reason), reason === undefined ? {} : { cause: reason });
}

function describeReason(reason: unknown): string {
  if (reason instanceof Error && reason.message !== '') return `Cancelled: ${reason.message}`;
  if (typeof reason === 'string' && reason !== '') return `Cancelled: ${reason}`;
  return 'Cancelled';
}
