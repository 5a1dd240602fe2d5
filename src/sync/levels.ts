/**
 * The guards of a thread that has a re-entrant lock: a tree, of which shared memory knows nothing.
 *
 * ```text
 * word: this thread ── Hold ┬ Level (a task's)  ── Level (below its guard) ── …    line: tasks that want to be there
 *                           └ Level (acquired again by the blocking forms)
 * ```
 *
 * - A **level** is one guard and all that is below it. It is over when its guard was released and nothing is below it
 *   any more; a lock goes on when all levels at the top are over. So guards may be released in any order.
 * - Below one guard there is one level at a time, for which tasks wait in order of arrival. At the top the word excludes
 *   tasks from each other; the blocking forms come in beside whatever is there, for they are the same thread.
 * - A level that a task abandons leaves what it has done half to the next who acquires: below the same guard; or, if
 *   nobody comes there, to who comes next above.
 *
 * **Rejected.** A lock in shared memory for each guard that has something below it: all who can ask for that are in this
 * thread.
 */
import { OwnerDiedError, TimeoutError } from '../core/errors.ts';
import type { Guard } from '../core/guard.ts';
import { bindToLoop } from '../core/unsendable.ts';
import { granted, isRoundOver } from '../park/turn.ts';
import type { CheckedWait } from '../park/wait.ts';
import { StackProbe } from '../platform/stack.ts';
import { isMainLoop } from '../platform/worker.ts';
import { currentScope, type Scope } from '../scope/scope.ts';
import { type GuardKind, HeldGuard, reportAbandoned } from './guard.ts';
import { LocalWait } from './local-wait.ts';
import { AFTER_DEATH, type LockWord } from './lock-word.ts';
import type { SharedHandle } from './shared-handle.ts';

const stack = new StackProbe();

type Handle = SharedHandle<LockWord>;
type Wait = LocalWait<LevelGuard, LockWord>;

/** What this thread has, by the address of the lock. */
const holds = new Map<number, Hold>();

/** This thread's hold of a lock; `undefined` if it has no guard of it. */
export function holdOf(object: number): Hold | undefined {
  return holds.get(object);
}

/** What a level is below. */
interface Above {
  readonly hold: Hold;
  /** Takes the level in. Gives who has left it a thing half done, if somebody has. */
  begin(level: Level): string | undefined;
  /** The level is over. Changes nothing if it throws. */
  end(level: Level, broken: boolean): void;
}

/** The whole of it: from the first guard of the thread to the last. */
export class Hold implements Above {
  readonly word: LockWord;
  // They keep their handles from being collected, and so the address from being that of another lock.
  readonly #levels = new Set<Level>();
  #broken = false;
  #away = false;

  constructor(word: LockWord) {
    this.word = word;
  }

  get hold(): this {
    return this;
  }

  /** Whether a guard waits for a condition, and this thread is without the lock. */
  get away(): boolean {
    return this.#away;
  }

  /** What prevents the lock from being let go by who is below `top`, and below nothing else. */
  obstacle(top: Level): string | undefined {
    for (const level of this.#levels)
      if (level !== top && level.busy) return 'others have its lock below another guard of this thread';
    return undefined;
  }

  /** Lets the lock go, and stays as it is. Does not throw if the stack has been probed. */
  suspend(): void {
    const broken = this.#broken;
    this.#broken = false;
    this.#away = true;
    holds.delete(this.word.object);
    if (broken) this.word.abandon(true);
    else this.word.release(true);
  }

  /** The lock has been taken again. */
  resume(): void {
    this.#away = false;
    holds.set(this.word.object, this);
  }

  begin(level: Level): string | undefined {
    this.#levels.add(level);
    holds.set(this.word.object, this);
    const broken = this.#broken;
    this.#broken = false;
    return broken ? A_TASK : undefined;
  }

  end(level: Level, broken: boolean): void {
    this.#broken ||= broken;
    if (this.#levels.size === 1 && !this.#away) this.#giveUp();
    this.#levels.delete(level);
  }

  #giveUp(): void {
    const { word } = this;
    // Before it is released: the next may be a task of this thread.
    holds.delete(word.object);
    let given = false;
    try {
      if (this.#broken) word.abandon();
      else word.release();
      given = true;
    } finally {
      if (!given) holds.set(word.object, this);
    }
  }
}

const A_TASK = 'a task';

/** One guard, and what is below it. */
export class Level implements Above {
  readonly #above: Above;
  readonly hold: Hold;
  readonly #handle: Handle;
  /** Whether its guard has not been released. */
  #held = false;
  /** What is below its guard now. If there is nothing, nobody is in the line. */
  #below: Level | undefined;
  #line: Set<Wait> | undefined;
  #broken = false;

  /** It is held from `begin` on. */
  constructor(above: Above, handle: Handle) {
    this.#above = above;
    this.hold = above.hold;
    this.#handle = handle;
  }

  /** Whether anybody is below its guard. */
  get busy(): boolean {
    return this.#below !== undefined;
  }

  get top(): Level {
    return this.#above instanceof Level ? this.#above.top : this;
  }

  /** What prevents a wait for a condition by its guard, which lets go of all levels. */
  get obstacle(): string | undefined {
    return this.busy ? 'others have its lock below this guard' : this.hold.obstacle(this.top);
  }

  describe(): string {
    return this.#handle.describe();
  }

  /** From now on it is there: with a guard, or for one that is on its way. Gives who died with it before, if somebody did. */
  enter(): string | undefined {
    this.#held = true;
    this.#handle.use();
    return this.#above.begin(this);
  }

  /** The guard was released. */
  release(): void {
    if (this.#below === undefined) this.#above.end(this, this.#broken);
    this.#held = false;
    this.#handle.unuse();
  }

  /** The task that had the guard has ended. */
  abandon(task: string): void {
    reportAbandoned(task, this.describe());
    this.#broken = true;
    this.release();
  }

  /** Waits until nothing is below its guard, and has a guard there. */
  acquire(handle: Handle, { timeout, signal, keepAlive }: CheckedWait): Promise<LevelGuard> {
    const scope = currentScope();
    if (this.#below === undefined) {
      if (isRoundOver()) stack.probe();
      const level = new Level(this, handle);
      return granted(new LevelGuard(level, scope).begin(level.enter()));
    }
    if (timeout === 0) throw new TimeoutError(`Cannot acquire ${this.describe()}: it cannot be had at once`);
    this.#line ??= new Set();
    const wait: Wait = new LocalWait(scope, this.#line, handle, isMainLoop || keepAlive);
    wait.watchSignal(signal);
    wait.startTimeout(timeout, () => `Cannot acquire ${this.describe()}: ${timeout} ms have passed`);
    return wait.promise;
  }

  begin(level: Level): string | undefined {
    this.#below = level;
    const broken = this.#broken;
    this.#broken = false;
    return broken ? A_TASK : undefined;
  }

  end(_level: Level, broken: boolean): void {
    this.#broken ||= broken;
    for (const wait of this.#line ?? []) {
      stack.probe();
      const level = new Level(this, wait.handle);
      const died = level.enter();
      wait.grant((scope) => new LevelGuard(level, scope).begin(died));
      return;
    }
    if (!this.#held) this.#above.end(this, this.#broken);
    this.#below = undefined;
  }
}

const LEVELS: GuardKind<Level> = {
  release: (level) => level.release(),
  abandon: (level, task) => level.abandon(task),
  conditions: {
    word: (level) => level.hold.word,
    obstacle: (level) => level.obstacle,
    suspend: (level) => level.hold.suspend(),
    resume: (level, guard, taken) => {
      level.hold.resume();
      if (taken === AFTER_DEATH) throw afterDeath(level, level.hold.word.whoDied(), guard);
    },
    drop: (level) => level.release(),
  },
};

function afterDeath(level: Level, died: string, guard: Guard): OwnerDiedError {
  return new OwnerDiedError(
    `Cannot acquire ${level.describe()}: ${died} ended while holding it; mend what it protects, then release error.guard`,
    guard,
  );
}

/** The level of a guard. */
export let levelOf: (guard: LevelGuard) => Level;

/** The guard of a level. */
export class LevelGuard extends HeldGuard<Level> {
  readonly #level: Level;

  static {
    levelOf = (guard) => guard.#level;
  }

  constructor(level: Level, scope: Scope | undefined) {
    super(LEVELS, level, scope);
    this.#level = level;
  }

  /** Gives the guard, whose level has been entered; as an error, if somebody died with what it protects. */
  begin(died: string | undefined): this {
    this.hold();
    if (died !== undefined) throw afterDeath(this.#level, died, this);
    return this;
  }

  /** Also if another guard of the thread has let the lock go, to wait for a condition. */
  override get released(): boolean {
    return super.released || this.#level.hold.away;
  }

  override get suspended(): boolean {
    return super.suspended || (!super.released && this.#level.hold.away);
  }
}

bindToLoop(LevelGuard, 'a guard');
