/**
 * The jobs that wait for a thread: by priority, lowest first, and in order of arrival within one.
 *
 * A doubly linked list per priority, so that a cancelled job leaves from the middle at once; priorities are few, so
 * the lists stand in a sorted array.
 */

/** What a queue keeps in its elements. */
export interface Queued {
  readonly priority: number;
  links: { previous: Queued | undefined; next: Queued | undefined; lane: Lane } | undefined;
}

interface Lane {
  readonly priority: number;
  first: Queued | undefined;
  last: Queued | undefined;
}

export class JobQueue<J extends Queued> {
  readonly #lanes: Lane[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(job: J): void {
    const lane = this.#lane(job.priority);
    job.links = { previous: lane.last, next: undefined, lane };
    if (lane.last?.links) lane.last.links.next = job;
    else lane.first = job;
    lane.last = job;
    this.#size++;
  }

  /** Before every other job of its priority: for a job that is run again. */
  addFirst(job: J): void {
    const lane = this.#lane(job.priority);
    job.links = { previous: undefined, next: lane.first, lane };
    if (lane.first?.links) lane.first.links.previous = job;
    else lane.last = job;
    lane.first = job;
    this.#size++;
  }

  take(): J | undefined {
    const job = this.peek();
    if (job !== undefined) this.remove(job);
    return job;
  }

  peek(): J | undefined {
    for (const lane of this.#lanes) if (lane.first !== undefined) return lane.first as J;
    return undefined;
  }

  /** Does nothing to a job that is not in the queue. */
  remove(job: J): void {
    if (job.links === undefined) return;
    const { previous, next, lane } = job.links;
    if (previous?.links) previous.links.next = next;
    else lane.first = next;
    if (next?.links) next.links.previous = previous;
    else lane.last = previous;
    job.links = undefined;
    this.#size--;
    if (lane.first === undefined) this.#lanes.splice(this.#lanes.indexOf(lane), 1);
  }

  /** The first job of each priority: the oldest ones. */
  *heads(): IterableIterator<J> {
    for (const lane of this.#lanes) if (lane.first !== undefined) yield lane.first as J;
  }

  *[Symbol.iterator](): IterableIterator<J> {
    for (const lane of this.#lanes) {
      for (let job = lane.first; job !== undefined; job = job.links?.next) yield job as J;
    }
  }

  #lane(priority: number): Lane {
    const index = this.#lanes.findIndex((lane) => lane.priority >= priority);
    const found = this.#lanes[index];
    if (found?.priority === priority) return found;
    const lane: Lane = { priority, first: undefined, last: undefined };
    this.#lanes.splice(index === -1 ? this.#lanes.length : index, 0, lane);
    return lane;
  }
}
