/**
 * What the threads of a stressed queue say of each item, in words that no queue of heddle knows: how far each producer
 * has come, and how often each item was got.
 */

/** What happened that must not; beside it, what it was about. */
const FAULT = 0;
const ABOUT = 1;
const STOP = 2;
/** How often an item came after a later one of its producer. */
const DISORDER = 3;
const FIRST_LIFE = 4;
/** Of each producer: how many puts it has begun, and how many have returned. */
const BEGUN = 0;
const RETURNED = 1;
const LIFE_WORDS = 2;

export interface LedgerShape {
  readonly words: SharedArrayBuffer;
  /** How often each item was got. */
  readonly got: SharedArrayBuffer;
  readonly lives: number;
  /** So many items each producer puts at most. */
  readonly each: number;
}

export interface Count {
  readonly put: number;
  readonly got: number;
  /** Items whose `put` had returned, and that nobody has got. */
  readonly lost: number;
  /** Items that were being put when their producer ended, and were put. */
  readonly inDoubt: number;
  readonly disorder: number;
}

export class Ledger {
  readonly shape: LedgerShape;
  readonly #words: Int32Array;
  readonly #got: Uint8Array;

  static make(lives: number, each: number): Ledger {
    return new Ledger({
      words: new SharedArrayBuffer(4 * (FIRST_LIFE + lives * LIFE_WORDS)),
      got: new SharedArrayBuffer(lives * each),
      lives,
      each,
    });
  }

  constructor(shape: LedgerShape) {
    this.shape = shape;
    this.#words = new Int32Array(shape.words);
    this.#got = new Uint8Array(shape.got);
  }

  stop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) === 1;
  }

  /** The number that stands for an item. */
  item(life: number, number: number): number {
    return life * this.shape.each + number;
  }

  begin(life: number, number: number): void {
    Atomics.store(this.#words, this.#life(life) + BEGUN, number + 1);
  }

  returned(life: number, number: number): void {
    Atomics.store(this.#words, this.#life(life) + RETURNED, number + 1);
  }

  /** How many items a producer has put for sure. */
  put(life: number): number {
    return Atomics.load(this.#words, this.#life(life) + RETURNED);
  }

  /** Somebody has got that item. */
  got(item: number): void {
    if (!Number.isInteger(item) || item < 0 || item >= this.#got.length) this.#fault(item);
    else if (Atomics.add(this.#got, item, 1) !== 0) this.#fault(item);
  }

  disorder(): void {
    Atomics.add(this.#words, DISORDER, 1);
  }

  #fault(item: number): void {
    if (Atomics.compareExchange(this.#words, FAULT, 0, 1) === 0) Atomics.store(this.#words, ABOUT, item);
  }

  /** @throws Error if an item was got twice, or never put. */
  check(): void {
    if (Atomics.load(this.#words, FAULT) === 0) return;
    const item = Atomics.load(this.#words, ABOUT);
    const { each } = this.shape;
    throw new Error(`Item ${item % each} of producer ${Math.floor(item / each)} was got twice, or is none`);
  }

  /** To be called when nobody puts or gets any more. @throws Error if an item was got that was never put. */
  count(): Count {
    this.check();
    const total = { put: 0, got: 0, lost: 0, inDoubt: 0 };
    const { lives, each } = this.shape;
    for (let life = 0; life < lives; life++) {
      const begun = this.#words[this.#life(life) + BEGUN]!;
      const returned = this.#words[this.#life(life) + RETURNED]!;
      if (begun > returned + 1) throw new Error(`Producer ${life} has begun ${begun}, and ended ${returned}`);
      total.put += returned;
      for (let number = 0; number < each; number++) {
        const got = this.#got[this.item(life, number)]!;
        total.got += got;
        if (number < returned) total.lost += 1 - got;
        else if (number < begun) total.inDoubt += got;
        else if (got > 0) throw new Error(`Item ${number} of producer ${life} was got, and not put`);
      }
    }
    return { ...total, disorder: this.#words[DISORDER]! };
  }

  #life(life: number): number {
    return FIRST_LIFE + life * LIFE_WORDS;
  }
}
