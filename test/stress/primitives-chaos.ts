/**
 * Semaphores, limiters, locks, gates, conditions and barriers under threads that die at any moment: what they promise
 * holds meanwhile, nobody hangs, at the end all permits are there again, and no block of memory is left.
 */
import { OwnerDiedError } from '../../src/core/errors.ts';
import type { Guard } from '../../src/core/guard.ts';
import { Barrier } from '../../src/sync/barrier.ts';
import { CapacityLimiter } from '../../src/sync/capacity-limiter.ts';
import { Condition } from '../../src/sync/condition.ts';
import { Event } from '../../src/sync/event.ts';
import { Latch } from '../../src/sync/latch.ts';
import type { Lock } from '../../src/sync/lock.ts';
import { Once } from '../../src/sync/once.ts';
import { RLock } from '../../src/sync/rlock.ts';
import { RWLock } from '../../src/sync/rw-lock.ts';
import { Semaphore } from '../../src/sync/semaphore.ts';
import { toToken } from '../../src/thread/tokens.ts';
import { Arena } from './arena.ts';
import { bundle } from './bundle.ts';
import { dumpHeap, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';
import { Mortals } from './mortals.ts';
import {
  CONDITIONED,
  PARTIES,
  PERMITS,
  PRIMITIVES,
  type Primitive,
  type PrimitivesWork,
  RECONDITIONED,
  REENTERED,
  THINGS,
  type Watched,
  WRITTEN,
  watched,
} from './primitives.ts';
import { seeded } from './random.ts';

const THREADS = 8;
const TASKS = 4;
/** The longest life of a thread once it works, in milliseconds. */
const LIFETIME = 40;
/** Milliseconds between what the driver does so that nobody waits for ever. */
const TICK = 15;

export interface PrimitivesReport {
  readonly seed: number;
  readonly terminations: number;
  readonly deaths: Readonly<Record<string, number>>;
  readonly operations: number;
}

/** The objects, on the side of who has made them. */
class Supply {
  readonly semaphore: Semaphore = new Semaphore(PERMITS, { max: PERMITS });
  readonly signals: Semaphore = new Semaphore(0);
  readonly limiter: CapacityLimiter = new CapacityLimiter(PERMITS);
  readonly rwlock: RWLock = new RWLock();
  readonly rlock: RLock = new RLock();
  readonly event: Event = new Event();
  readonly condition: Condition = new Condition();
  readonly reentered: RLock = new RLock();
  /** With a re-entrant lock. */
  readonly recondition: Condition<RLock> = new Condition({ lock: this.reentered });
  readonly barrier: Barrier = new Barrier(PARTIES);
  /** Those that are over are made anew; whoever has an old one goes on with that. */
  readonly latches: Latch[] = [new Latch(5)];
  readonly onces: Once[] = [new Once()];
  readonly #arena: Arena;
  readonly #watched: Watched;

  constructor(arena: Arena, words: Watched) {
    this.#arena = arena;
    this.#watched = words;
  }

  get all(): Disposable[] {
    const { semaphore, signals, limiter, rwlock, rlock, event, condition, recondition, barrier } = this;
    return [
      recondition,
      this.reentered,
      semaphore,
      signals,
      limiter,
      rwlock,
      rlock,
      event,
      condition,
      barrier,
      ...this.latches,
      ...this.onces,
    ];
  }

  tokens(): PrimitivesWork['tokens'] {
    return {
      semaphore: toToken(this.semaphore),
      signals: toToken(this.signals),
      limiter: toToken(this.limiter),
      rwlock: toToken(this.rwlock),
      rlock: toToken(this.rlock),
      event: toToken(this.event),
      condition: toToken(this.condition),
      recondition: toToken(this.recondition),
      barrier: toToken(this.barrier),
      latch: toToken(this.latches.at(-1)!),
      once: toToken(this.onces.at(-1)!),
    };
  }

  /** What no thread need do: so nobody waits for ever. */
  tick(): void {
    this.event.set();
    this.event.clear();
    this.signals.release(PERMITS);
    for (const latch of this.latches.slice(-20)) latch.countDown();
    if (this.latches.at(-1)!.isOpen) this.latches.push(new Latch(5));
    if (this.onces.at(-1)!.isDone) this.onces.push(new Once());
    if (this.barrier.broken) this.barrier.reset();
    this.#feed(0, this.condition, CONDITIONED);
    this.#feed(1, this.recondition, RECONDITIONED);
  }

  #feed(item: number, condition: Condition<Lock | RLock>, thing: number): void {
    Atomics.add(this.#watched.items, item, 1);
    let guard: Guard | undefined;
    try {
      guard = condition.lock.tryAcquire();
    } catch (error) {
      if (!(error instanceof OwnerDiedError)) throw error;
      this.#arena.mend(thing);
      guard = error.guard;
    }
    if (guard === undefined) return;
    condition.notifyAll(guard);
    guard.release();
  }

  /** Nobody is left who could have any of it, or wait for it. */
  checkAtLast(): void {
    const { semaphore, limiter, rwlock, rlock, condition, recondition, reentered } = this;
    const { signals, event, barrier } = this;
    for (const one of [
      semaphore,
      signals,
      limiter,
      rwlock,
      rlock,
      event,
      condition,
      recondition,
      reentered,
      barrier,
    ])
      expectSame(`${one.constructor.name}: waiting`, one.statistics().waiting, 0);
    for (const latch of this.latches) expectSame('Latch: waiting', latch.statistics().waiting, 0);
    for (const once of this.onces) expectSame('Once: waiting', once.statistics().waiting, 0);
    expectSame('Semaphore: value', semaphore.value, PERMITS);
    expectSame('CapacityLimiter: borrowed', limiter.borrowed, 0);
    expectSame('RWLock: readers', rwlock.statistics().readers, 0);
    this.#have('RWLock', WRITTEN, () => rwlock.writeSync({ timeout: 5000 }));
    this.#have('RLock', REENTERED, () => rlock.acquireSync({ timeout: 5000 }));
    this.#have('Condition', CONDITIONED, () => condition.lock.acquireSync({ timeout: 5000 }));
    this.#have('RLock of a condition', RECONDITIONED, () => reentered.acquireSync({ timeout: 5000 }));
    semaphore.acquireSync({ permits: PERMITS, timeout: 5000 }).release();
    for (const once of this.onces) once.runSync(() => {}, { timeout: 5000 });
  }

  #have(what: string, thing: number, acquire: () => Guard): void {
    let guard: Guard;
    try {
      guard = acquire();
    } catch (error) {
      if (!(error instanceof OwnerDiedError))
        throw new Error(`${what} is lost\n${dumpHeap()}`, { cause: error });
      this.#arena.mend(thing);
      guard = error.guard!;
    }
    this.#arena.enter(thing, 0, 0);
    this.#arena.leave(thing, 0, 0);
    guard.release();
  }
}

function expectSame(what: string, seen: number, expected: number): void {
  if (seen !== expected) throw new Error(`${what} is ${seen}, not ${expected}\n${dumpHeap()}`);
}

export async function primitivesChaos(
  seed: number,
  milliseconds: number,
  primitives: readonly Primitive[] = PRIMITIVES,
  atMost: number = Infinity,
): Promise<PrimitivesReport> {
  const random = seeded(seed);
  const before = usedBlocks();
  const records = recordsInUse();
  const arena = Arena.make(THREADS, THINGS);
  const words = watched(THREADS);
  const supply = new Supply(arena, words);
  using thread = await bundle(new URL('./primitives-chaos-thread.ts', import.meta.url));
  const mortals = new Mortals<PrimitivesWork>({
    arena,
    random,
    file: thread.file,
    lifetime: LIFETIME,
    work: (slot) => ({
      tokens: supply.tokens(),
      onceNumber: supply.onces.length,
      watched: words,
      primitives,
      mode: slot % 2 === 0 ? 'sync' : 'async',
      tasks: TASKS,
    }),
  });
  const ticks = setInterval(() => supply.tick(), TICK);
  try {
    await mortals.goOn(milliseconds, atMost);
  } finally {
    await mortals.stop();
    clearInterval(ticks);
  }
  supply.checkAtLast();
  const fault = arena.describeFault();
  if (fault !== undefined) throw new Error(`${fault}\n${dumpHeap()}`);
  for (const object of supply.all) object[Symbol.dispose]();
  await nothingLeft(before, records);
  const operations = Array.from({ length: THREADS }, (_, slot) => arena.done(slot));
  return {
    seed,
    terminations: mortals.count,
    deaths: mortals.deaths,
    operations: operations.reduce((sum, n) => sum + n, 0),
  };
}
