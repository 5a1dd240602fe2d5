/** The threads of a pool. */
import type { ToThread } from '../thread/protocol.ts';
import type { PoolThread } from './pool-thread.ts';

export class ThreadSet extends Set<PoolThread> {
  /** How many have not ended, as far as is known. */
  get alive(): number {
    return this.#count((thread) => !thread.gone);
  }

  /** How many have no job. */
  get idle(): number {
    return this.#count((thread) => thread.load === 0);
  }

  /** How many do not take jobs yet. */
  get starting(): number {
    return this.#count((thread) => !thread.gone && thread.state === 'starting');
  }

  /** The name of the one with that token. */
  nameOf(token: number): string | undefined {
    for (const thread of this) if (thread.token === token) return thread.name;
    return undefined;
  }

  /** Has spare ones take the places of threads of the pool that are free; gives how many do. */
  promoteSpares(wanted: number): number {
    const regular = this.#count((thread) => !thread.gone && !thread.spare);
    let more = wanted - regular;
    let change = 0;
    for (const thread of this) {
      if (thread.gone || !thread.spare || more <= 0) continue;
      thread.spare = false;
      more--;
      change++;
    }
    return change;
  }

  post(message: ToThread): void {
    for (const thread of this) thread.remote.post(message);
  }

  /** Takes the messages that have come. */
  drain(): void {
    for (const thread of this) thread.remote.drain();
  }

  /** Ends one by force. */
  terminate(threadId: number): void {
    for (const thread of this) if (thread.remote.threadId === threadId) void thread.terminate();
  }

  /** Ends all by force. */
  async terminateAll(): Promise<void> {
    await Promise.all([...this].map((thread) => thread.terminate()));
  }

  #count(has: (thread: PoolThread) => boolean): number {
    let count = 0;
    for (const thread of this) if (has(thread)) count++;
    return count;
  }
}
