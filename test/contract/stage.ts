/** Actors that hold and wait for one lock, on this loop and in threads, each moved on by the test. */
import type { Guard, ThreadPoolExecutor } from '../../src/index.ts';
import type { Implementation, LockLike } from './lock-like.ts';
import { type End, type Form, GO_ON, GOT, jobs, type Part, raise, raised } from './lock-like-jobs.ts';

export type Where = 'this loop' | 'another thread';

/** Where and how somebody acquires. */
export interface Kind {
  readonly where: Where;
  readonly form: Form;
}

export const HERE: Kind = { where: 'this loop', form: 'async' };
export const LOOP: Kind = { where: 'another thread', form: 'async' };
export const BLOCKED: Kind = { where: 'another thread', form: 'sync' };
/** Those that can wait while this thread goes on. */
export const WAITERS: readonly Kind[] = [HERE, LOOP, BLOCKED];
export const HOLDERS: readonly Kind[] = (['async', 'sync', 'try'] as const).flatMap((form) => [
  { where: 'this loop', form },
  { where: 'another thread', form },
]);

export function show({ where, form }: Kind): string {
  return `${form} on ${where}`;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function failUnlessGot(code: string): Promise<never> {
  if (code !== 'got') throw new Error(`The actor got no lock: ${code}`);
  return new Promise(() => {});
}

export interface Actor {
  /** When it has the lock: the how-manyeth to get it. */
  got(): Promise<number>;
  hasIt(): boolean;
  /** Lets it release what it holds, or end its thread. */
  goOn(): void;
  /** What became of it: `'got'` once it was released, or the code of an error. */
  readonly outcome: Promise<string>;
}

const WORDS_EACH = 3;

/** What an actor asks for. */
export interface Asked {
  readonly timeout?: number;
  readonly permits?: number;
}

export class Stage {
  readonly implementation: Implementation;
  readonly object: Disposable;
  readonly lock: LockLike;
  readonly pool: ThreadPoolExecutor;
  readonly words: Int32Array = new Int32Array(new SharedArrayBuffer(4 * 128));
  #actors = 0;

  constructor(implementation: Implementation, pool: ThreadPoolExecutor) {
    this.implementation = implementation;
    this.object = implementation.create();
    this.lock = implementation.as(this.object);
    this.pool = pool;
  }

  part(form: Form, { timeout, permits }: Asked = {}): Part {
    const { implementation, object, words } = this;
    const at = WORDS_EACH * this.#actors++;
    return {
      implementation: implementation.name,
      object,
      form,
      words,
      at,
      ...(timeout !== undefined && { timeout }),
      ...(permits !== undefined && { permits }),
    };
  }

  /** Somebody who acquires now. */
  enter({ where, form }: Kind, asked?: Asked): Actor {
    const part = this.part(form, asked);
    if (where === 'another thread') return this.#actor(part, this.pool.submit(jobs.hold, part));
    // A blocking form on this loop must not wait to go on: it holds, and is released, from outside.
    const asAsync = form === 'sync' ? this.#holdSyncHere(part) : jobs.hold(part);
    return this.#actor(part, asAsync);
  }

  /** Takes it for the current task. */
  async take(form: Form): Promise<Guard | undefined> {
    if (form === 'async') return this.lock.acquire();
    return form === 'sync' ? this.lock.acquireSync() : this.lock.tryAcquire();
  }

  /** Somebody in a thread who gets it and, told to go on, dies with it: the outcome tells when it has. */
  enterToDie(form: Form, end: End, asked?: Asked): Actor {
    const part = this.part(form, asked);
    const pool = end === 'terminate' ? this.pool.with({ onCancel: 'terminate', grace: 0 }) : this.pool;
    const future = pool.submit(jobs.holdAndEnd, part, end);
    const actor = this.#actor(
      part,
      future.then(() => 'alive'),
    );
    const kill = (): void => {
      actor.goOn();
      if (end === 'terminate') future.cancel();
    };
    const outcome = actor.outcome.then(async (code) => {
      while (this.pool.statistics().abandoned > 0) await turn();
      return code;
    });
    return { ...actor, goOn: kill, outcome };
  }

  /** Somebody in a thread who has it until somebody waits, and then releases it or dies. */
  async holdUntilWaited(form: Form, end?: End): Promise<{ readonly ended: Promise<unknown> }> {
    const part = this.part(form);
    const future = this.pool.submit(jobs.holdUntilWaited, part, end);
    // In an object, for a promise of it would wait for its end. A death is how it is meant to end.
    const ended = future.error();
    await raised(this.words, part.at + GOT);
    return { ended };
  }

  /** Lets the actor of a part go on. */
  raise({ at }: Part): void {
    raise(this.words, at + GO_ON);
  }

  async canBeHad(where: Where, asked?: Asked): Promise<boolean> {
    const part = this.part('try', asked);
    return where === 'this loop' ? jobs.canBeHad(part) : await this.pool.submit(jobs.canBeHad, part);
  }

  /** Resolves once so many wait. */
  /** Or until that is over: a wait that ends by itself may have, before this loop looks. */
  async untilWaiting(waiting: number, over?: PromiseLike<unknown>): Promise<void> {
    let isOver = false;
    const end = (): void => {
      isOver = true;
    };
    void over?.then(end, end);
    while (!isOver && this.lock.statistics().waiting !== waiting) await turn();
  }

  async #holdSyncHere(part: Part): Promise<string> {
    const guard = this.lock.acquireSync(part.permits === undefined ? {} : { permits: part.permits });
    Atomics.store(this.words, part.at + GOT, Atomics.add(this.words, 0, 1) + 1);
    await raised(this.words, part.at + GO_ON);
    guard.release();
    return 'got';
  }

  #actor({ at }: Part, outcome: PromiseLike<string>): Actor {
    const { words } = this;
    const code = Promise.resolve(outcome).catch((error: { code?: string }) => error.code ?? String(error));
    return {
      got: () => Promise.race([raised(words, at + GOT), code.then(failUnlessGot)]),
      hasIt: () => Atomics.load(words, at + GOT) !== 0,
      goOn: () => raise(words, at + GO_ON),
      outcome: code,
    };
  }
}
