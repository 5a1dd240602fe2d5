/** The objects inside a value that is being encoded, with their numbers: which tell whether one was met before. */

/** Up to so many are found by looking through a list. */
const LISTED = 32;

export class MetObjects {
  /** How many there are. */
  #count = 0;
  /** Those in the list; or all in the set, which keeps their order; or all by number, once one was met twice. */
  readonly #list: unknown[] = new Array(LISTED).fill(undefined);
  #set: Set<unknown> | undefined;
  #numbers: Map<unknown, number> | undefined;

  /** Its number if it was met before; else -1, and it gets the next. */
  meet(object: unknown): number {
    const list = this.#list;
    const count = this.#count;
    if (count < LISTED) {
      for (let index = 0; index < count; index++) if (list[index] === object) return index;
      list[count] = object;
      this.#count = count + 1;
      return -1;
    }
    if (this.#numbers !== undefined) return this.#meetNumbered(this.#numbers, object);
    this.#set ??= new Set(list);
    if (this.#set.add(object).size > count) {
      this.#count = count + 1;
      return -1;
    }
    this.#numbers = new Map();
    for (const one of this.#set) this.#numbers.set(one, this.#numbers.size);
    return this.#numbers.get(object)!;
  }

  #meetNumbered(numbers: Map<unknown, number>, object: unknown): number {
    const known = numbers.get(object);
    if (known !== undefined) return known;
    numbers.set(object, this.#count++);
    return -1;
  }

  /** Nothing that was encoded is kept alive. */
  forget(): void {
    const count = Math.min(this.#count, LISTED);
    for (let index = 0; index < count; index++) this.#list[index] = undefined;
    this.#count = 0;
    this.#set = undefined;
    this.#numbers = undefined;
  }
}
