/**
 * What the threads of a stress run and its driver tell each other outside of heddle: plain words of shared memory, so
 * that they can be read whatever hangs.
 */

/** One thing that only one thread may use at a time, watched by words that no lock of heddle knows. */
const OWNER = 0;
const LEFT = 1;
const RIGHT = 2;
const THING_WORDS = 4;

const STOP = 0;
const FAULT = 1;
const FAULT_WORDS = 6;
const FIRST_SLOT = FAULT + FAULT_WORDS;
const SLOT_WORDS = 3;
/** Of a slot: how much its threads have done, what the present one is doing, and which thread that is. */
const DONE = 0;
const DOING = 1;
const WHO = 2;

export const FAULTS = [
  'none',
  'two owners at once: on entry',
  'two owners at once: on leaving',
  'what the lock protects was left half done, and nobody said so',
  'a living owner was taken for dead',
  'a record is not what was written',
  'more use it at once than may',
  'a reader came in beside a writer',
  'a writer came in beside a reader',
  'let through before it was time',
] as const;

export interface ArenaShape {
  readonly words: SharedArrayBuffer;
  /** One byte for each thread: 1 once it is to die or has begun to. */
  readonly dying: SharedArrayBuffer;
  readonly slots: number;
  readonly things: number;
}

/** Numbers of threads are below that; in a word of `OWNER` there is room for a task beside it. */
const MOST_THREADS = 2 ** 18;
export const MOST_TASKS: number = 2 ** 12;

export class Arena {
  readonly shape: ArenaShape;
  readonly #words: Int32Array;
  readonly #dying: Uint8Array;
  readonly #firstThing: number;

  static make(slots: number, things: number): Arena {
    const size = FIRST_SLOT + slots * SLOT_WORDS + things * THING_WORDS;
    return new Arena({
      words: new SharedArrayBuffer(4 * size),
      dying: new SharedArrayBuffer(MOST_THREADS),
      slots,
      things,
    });
  }

  constructor(shape: ArenaShape) {
    this.shape = shape;
    this.#words = new Int32Array(shape.words);
    this.#dying = new Uint8Array(shape.dying);
    this.#firstThing = FIRST_SLOT + shape.slots * SLOT_WORDS;
  }

  // Stopping, and faults

  stop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) === 1;
  }

  /** The first one counts. */
  fault(number: number, ...details: number[]): void {
    if (Atomics.compareExchange(this.#words, FAULT, 0, number) !== 0) return;
    for (const [index, detail] of details.entries()) Atomics.store(this.#words, FAULT + 1 + index, detail);
  }

  describeFault(): string | undefined {
    const number = Atomics.load(this.#words, FAULT);
    if (number === 0) return undefined;
    return `${FAULTS[number]} (${[...this.#words.subarray(FAULT + 1, FAULT + FAULT_WORDS)].join(', ')})`;
  }

  // Deaths

  /** To be called by whoever ends a thread, before. */
  willDie(thread: number): void {
    Atomics.store(this.#dying, thread, 1);
  }

  mayBeDead(thread: number): boolean {
    return Atomics.load(this.#dying, thread) === 1;
  }

  // Progress

  begin(slot: number, thread: number): void {
    Atomics.store(this.#words, this.#slot(slot) + WHO, thread);
    Atomics.store(this.#words, this.#slot(slot) + DOING, 0);
  }

  doing(slot: number, what: number): void {
    Atomics.store(this.#words, this.#slot(slot) + DOING, what);
  }

  did(slot: number): void {
    Atomics.add(this.#words, this.#slot(slot) + DONE, 1);
  }

  done(slot: number): number {
    return Atomics.load(this.#words, this.#slot(slot) + DONE) >>> 0;
  }

  describeSlots(): string {
    return Array.from({ length: this.shape.slots }, (_, slot) => {
      const [done, doing, who] = this.#words.subarray(this.#slot(slot), this.#slot(slot) + SLOT_WORDS);
      return `slot ${slot}: thread ${who} doing ${doing}, ${done} done`;
    }).join('\n');
  }

  #slot(slot: number): number {
    return FIRST_SLOT + slot * SLOT_WORDS;
  }

  // Things of which there is one owner at a time

  /** Whoever has the lock of a thing begins to use it. */
  enter(thing: number, thread: number, task: number): void {
    const words = this.#words;
    const at = this.#thing(thing);
    const me = thread * MOST_TASKS + task + 1;
    const other = Atomics.compareExchange(words, at + OWNER, 0, me);
    if (other !== 0) this.fault(1, thing, me, other);
    const left = Atomics.load(words, at + LEFT);
    const right = Atomics.load(words, at + RIGHT);
    if (left !== right) this.fault(3, thing, left, right, me);
    Atomics.store(words, at + LEFT, left + 1);
  }

  leave(thing: number, thread: number, task: number): void {
    const words = this.#words;
    const at = this.#thing(thing);
    const me = thread * MOST_TASKS + task + 1;
    Atomics.store(words, at + RIGHT, Atomics.load(words, at + LEFT));
    const other = Atomics.compareExchange(words, at + OWNER, me, 0);
    if (other !== me) this.fault(2, thing, me, other);
  }

  /** Whoever has learned that the last owner died puts the thing in order. */
  mend(thing: number): void {
    const words = this.#words;
    const at = this.#thing(thing);
    const owner = Atomics.load(words, at + OWNER);
    const thread = Math.floor((owner - 1) / MOST_TASKS);
    if (owner !== 0 && !this.mayBeDead(thread)) this.fault(4, thing, owner, thread);
    Atomics.store(words, at + RIGHT, Atomics.load(words, at + LEFT));
    if (owner !== 0 && Atomics.compareExchange(words, at + OWNER, owner, 0) !== owner)
      this.fault(4, thing, owner, -1);
  }

  /** Whoever reads a thing, while nobody may change it. */
  look(thing: number, thread: number): void {
    const words = this.#words;
    const at = this.#thing(thing);
    const owner = Atomics.load(words, at + OWNER);
    if (owner !== 0) this.fault(7, thing, owner, thread);
    const left = Atomics.load(words, at + LEFT);
    const right = Atomics.load(words, at + RIGHT);
    if (left !== right) this.fault(3, thing, left, right, thread);
  }

  #thing(thing: number): number {
    return this.#firstThing + thing * THING_WORDS;
  }
}
