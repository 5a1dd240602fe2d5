/** Objects of this thread by the address of what others know them by: so one that comes back is the very object that was sent. */
export class OwnObjects<T extends object> {
  readonly #objects = new Map<number, WeakRef<T>>();
  readonly #collected = new FinalizationRegistry<number>((address) => {
    // Another may have that address by now.
    if (this.#objects.get(address)?.deref() === undefined) this.#objects.delete(address);
  });

  note(address: number, object: T): void {
    this.#objects.set(address, new WeakRef(object));
    this.#collected.register(object, address);
  }

  at(address: number): T | undefined {
    return this.#objects.get(address)?.deref();
  }
}
