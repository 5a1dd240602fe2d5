/** What other threads do with loops; here, because these names exist only once loops do. */
import { EventLoop, type Executor, portable } from '../../../src/index.ts';
import { BEGUN, COUNT, jobs, raise, until } from './jobs.ts';

const order: number[] = [];
const functions = {
  currentLoop(): { id: number; name: string; closed: boolean } {
    const { id, name, closed } = EventLoop.current();
    return { id, name, closed };
  },

  mainLoop(): { id: number; name: string } {
    const { id, name } = EventLoop.main();
    return { id, name };
  },

  /** From a job, something for the main loop to do. */
  submitToMain(): Promise<{ main: boolean }> {
    return Promise.resolve(EventLoop.main().submit(jobs.where));
  },

  submitSyncToMain(): { main: boolean } {
    return EventLoop.main().submitSync(jobs.where);
  },

  submitToOwn(): Promise<number> {
    return Promise.resolve(EventLoop.current().submit(jobs.add, 1, 1));
  },

  giveLoop(): EventLoop {
    return EventLoop.current();
  },

  note(n: number): void {
    order.push(n);
  },

  notes(): number[] {
    return order.splice(0);
  },

  noteFrom(loop: EventLoop, from: number, times: number): void {
    for (let n = 0; n < times; n++) loop.callSoon(loopJobs.note, from + n);
  },

  count(words: Int32Array): void {
    Atomics.add(words, COUNT, 1);
    Atomics.notify(words, COUNT);
  },

  throwIn(words: Int32Array): never {
    raise(words, BEGUN);
    throw new RangeError('in a callback');
  },

  /** Wakes an idle loop: awaits nothing but the word that a callback raises. */
  async awaitWord(words: Int32Array): Promise<string> {
    raise(words, BEGUN);
    await until(() => Atomics.load(words, COUNT) !== 0);
    return 'woken';
  },

  resultSyncOfOwn(): string {
    try {
      return String(EventLoop.current().submit(jobs.addLater, 1, 1).resultSync());
    } catch (error) {
      return (error as { code: string }).code;
    }
  },

  async stopSelf(loop: Executor & { stop(): Promise<void> }): Promise<string> {
    void loop.stop();
    return 'asked';
  },
};

export const loopJobs: typeof functions = portable(import.meta, functions);
