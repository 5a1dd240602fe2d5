/**
 * The directory: shared objects by name.
 *
 * An **entry** is a name and the address of the object that has it now. Entries are put at the head of a list by
 * compare-and-swap and stay for ever, so a list can be read at any time; the object in an entry changes by
 * compare-and-swap. The object names its entry: so an address that was freed and used again is not taken for it.
 *
 * - **One object per name.** Of several threads that make one at the same time, one wins; the others get its.
 * - **Cost.** A few nanoseconds for each entry of the list; 64 bytes and more for each name that was ever used.
 * - A name holds nothing: the object is freed when no thread and no message holds it, and made anew when asked for.
 */
import { Atomics } from '#atomics';
import type { Heap } from './heap.ts';
import { BUCKETS, DATA, ENTRY, ENTRY_NEXT, FIRST_BUCKET, KIND, NAME, OBJECT } from './layout.ts';

/** The entry of a name, made if there is none. */
export function entryOf(heap: Heap, name: string): number {
  const { words, blocks } = heap;
  const bucket = FIRST_BUCKET + (hash(name) % BUCKETS);
  let made = 0;
  for (;;) {
    const head = Atomics.load(words, bucket);
    for (let entry = head; entry !== 0; entry = words[entry + ENTRY_NEXT]!) {
      if (!isNamed(words, entry, name)) continue;
      if (made !== 0) blocks.free(made);
      return entry;
    }
    if (made === 0) {
      made = makeEntry(heap, name);
      // Before it can be found: what others may have read must not be freed with this thread.
      blocks.publish(made);
    }
    words[made + ENTRY_NEXT] = head;
    if (Atomics.compareExchange(words, bucket, head, made) === head) return made;
  }
}

/** The address of the object that has the name now, or had it when it was freed; 0 if there was none. */
export function objectIn({ words }: Heap, entry: number): number {
  return Atomics.load(words, entry + OBJECT);
}

/** Gives the name to another object. False if somebody else was faster. */
export function replaceObject({ words }: Heap, entry: number, before: number, object: number): boolean {
  return Atomics.compareExchange(words, entry + OBJECT, before, object) === before;
}

function makeEntry(heap: Heap, name: string): number {
  const { words } = heap;
  const entry = heap.allocate(DATA + name.length);
  words[entry + NAME] = name.length;
  for (let index = 0; index < name.length; index++) words[entry + DATA + index] = name.charCodeAt(index);
  words[entry + KIND] = ENTRY;
  return entry;
}

function isNamed(words: Int32Array, entry: number, name: string): boolean {
  if (words[entry + NAME] !== name.length) return false;
  for (let index = 0; index < name.length; index++)
    if (words[entry + DATA + index] !== name.charCodeAt(index)) return false;
  return true;
}

function hash(name: string): number {
  let sum = 0;
  for (let index = 0; index < name.length; index++) sum = (sum * 31 + name.charCodeAt(index)) | 0;
  return sum >>> 0;
}
