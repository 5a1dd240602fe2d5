/**
 * Shared memory that every thread of the process finds by its name.
 *
 * It goes the way of environment data: a Worker gets a copy of the entries of the thread that starts it, at that
 * moment, and passes them on to the Workers that it starts. So it reaches those that user code starts by hand, and
 * nested ones, with any `env` and `workerData`; on Bun also `globalThis.Worker`. It does not reach:
 * - threads that were started before `shareWithThreads()`, and those started by such threads;
 * - on Deno, `globalThis.Worker`: nothing at all reaches such a thread but what it is sent.
 */
import { getEnvironmentData, type Serializable, setEnvironmentData } from 'node:worker_threads';

const PREFIX = 'heddle:';

/**
 * Makes `buffer` known under `key` to this thread and to all that are started from now on by it or below it. Costs
 * some µs, however large the buffer is: pages of fresh shared memory take no room before they are touched.
 */
export function shareWithThreads(key: string, buffer: SharedArrayBuffer): void {
  setEnvironmentData(PREFIX + key, buffer as unknown as Serializable);
}

/** The buffer with that key; `undefined` if neither this thread nor one above it had shared it in time. */
export function sharedWithThread(key: string): SharedArrayBuffer | undefined {
  const found: unknown = getEnvironmentData(PREFIX + key);
  return found instanceof SharedArrayBuffer ? found : undefined;
}

/**
 * Calls `fn` when this thread starts its first Worker, just before that gets its copy of the environment data; in the
 * code of whoever starts it, so it must not throw. Costs nothing until then.
 */
export function beforeFirstWorker(fn: () => void): void {
  let called = false;
  // Structured clone reads it in this thread; what the others get is plain data.
  const reads = {
    get hasWorkers(): true {
      if (!called) {
        called = true;
        fn();
      }
      return true;
    },
  };
  setEnvironmentData(`${PREFIX}workers`, reads as unknown as Serializable);
}
