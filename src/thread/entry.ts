/**
 * Where a thread of a pool begins: the module that every worker of heddle runs. It joins the shared memory, and runs jobs
 * from there. Keep what it imports small: it is loaded before the first result.
 */
import type { Wire } from '../codec/wire.ts';
import { resolveReference } from '../function/reference.ts';
import { JobStore } from '../jobs/job-store.ts';
import { buffersComeBy, SentBuffers, takeBufferMessage } from '../jobs/message-buffers.ts';
import { loadKindsBy, payloadsBeside } from '../jobs/payloads.ts';
import { registerPoolKind } from '../jobs/pool-kind.ts';
import { OWN_TAKES, POOL_THREAD } from '../memory/layout.ts';
import { callErrand } from '../park/mailbox.ts';
import { ownParking } from '../park/own-parking.ts';
import { onOwnEnd } from '../platform/child-threads.ts';
import { applyLoaderSettings } from '../platform/modules.ts';
import { exitThread, type MessagePort, ownSeed, type Transferable, takeMessage } from '../platform/worker.ts';
import { startDebug } from '../scope/debug.ts';
import { startTask } from '../scope/task.ts';
import './context-call.ts';
import { hasEndHooks, runEndHooks } from './end-hooks.ts';
import { JobRunner } from './job-runner.ts';
import { carried } from './outcomes.ts';
import { addRunner, setMainLoop, setOwnPool } from './own-runner.ts';
import { discardMessage, packMessage, releaseMessage } from './parcel-service.ts';
import type { FromThread, ThreadSettings, ToThread } from './protocol.ts';
import { decodeValue, encodeValue } from './values.ts';

interface Fetching {
  resolve(args: unknown): void;
  reject(error: unknown): void;
}

class ThreadMain {
  readonly #port: MessagePort;
  readonly #settings: ThreadSettings;
  readonly #fetching = new Map<number, Fetching>();
  #initialized: Promise<boolean> | undefined;
  #runner: JobRunner | undefined;
  #stopping = false;
  #ending = false;

  constructor(port: MessagePort, settings: ThreadSettings) {
    this.#port = port;
    this.#settings = settings;
  }

  start(): void {
    setMainLoop(this.#settings.mainLoop);
    // Who is blocked for it hears of no event.
    onOwnEnd((code) => this.#port.postMessage({ type: 'exiting', code }));
    applyLoaderSettings(this.#settings.loader as Parameters<typeof applyLoaderSettings>[0]);
    buffersComeBy(() => this.#drain());
    this.#port.on('message', (message: ToThread) => this.#receive(message));
    if (this.#settings.initializer !== undefined) this.#initialized = this.#initialize();
  }

  async #initialize(): Promise<boolean> {
    try {
      const reference = await decodeValue(this.#settings.initializer!);
      const initialize = (await resolveReference(reference)) as () => unknown;
      await startTask(() => initialize(), { name: 'initializer' });
      return true;
    } catch (error) {
      this.#send({ type: 'unfit', error: encodeValue(carried(error), 'error') });
      return false;
    }
  }

  #receive(message: ToThread): void {
    switch (message.type) {
      case 'buffer':
      case 'dropped':
        takeBufferMessage(message);
        return;
      case 'begin':
        void this.#begin(message.pool, message.parcel);
        return;
      case 'arguments':
        this.#fetched(message.job, message.args);
        return;
      case 'gone':
        this.#fetching.get(message.job)?.reject(new Error('Cannot run job: its arguments are gone'));
        return;
      case 'stop':
        this.#stopping = true;
        if (this.#runner === undefined) this.#exit();
        else this.#runner.stop((busyMs) => this.#end(busyMs));
    }
  }

  async #begin(object: number, parcel: number): Promise<void> {
    const parking = ownParking();
    registerPoolKind();
    parking.handles.unpack(parcel);
    if (this.#initialized !== undefined && !(await this.#initialized)) {
      // Who started it may be blocked.
      callErrand(parking.heap.words, this.#settings.keeper);
      return;
    }
    if (this.#stopping) return this.#exit();
    const { concurrency, spin, keepsOwn, keeper } = this.#settings;
    const record = parking.handles.recordOf(object);
    const store = new JobStore(parking, object, record);
    if (keepsOwn) parking.heap.words[record + OWN_TAKES] = 1;
    // It looks for jobs before anybody knows that it has begun: no other thread need be started for them.
    store.next(false, 0, true);
    this.#runner = new JobRunner({
      store,
      keeper,
      payloads: payloadsBeside(parking, new SentBuffers({ post: (message) => this.#send(message) })),
      concurrency,
      spin,
      ended: (busyMs) => this.#end(busyMs),
      fetch: (job) => this.#fetch(job),
      send: (job, result) => {
        const value = encodeValue(result, 'result');
        this.#send({ type: 'value', job, value }, value.transfer);
      },
    });
    const runner = this.#runner;
    onOwnEnd((code) => runner.exits(code));
    addRunner(object, runner);
    setOwnPool(object);
    parking.heap.words[object + POOL_THREAD] = this.#settings.id;
    this.#send({ type: 'ready', token: parking.heap.token, record });
    // What loaded it is not what its loop is for.
    if (this.#settings.slowMs !== undefined) startDebug(this.#settings.slowMs);
    this.#runner.start();
  }

  /** Takes messages that have come while the loop was busy. */
  #drain(): void {
    for (let next = takeMessage(this.#port); next !== undefined; next = takeMessage(this.#port))
      this.#receive(next.message as ToThread);
  }

  /** Its jobs have ended. May be called again while that goes on. */
  #end(busyMs: number): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#send({ type: 'ending', busyMs });
    this.#exit();
  }

  #exit(): void {
    if (!hasEndHooks()) exitThread();
    void runEndHooks().then(exitThread);
  }

  #fetch(job: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#fetching.set(job, { resolve, reject });
      this.#send({ type: 'fetch', job });
    });
  }

  #fetched(job: number, wire: Wire<unknown>): void {
    const fetching = this.#fetching.get(job);
    this.#fetching.delete(job);
    try {
      fetching?.resolve(decodeValue(wire));
    } catch (error) {
      fetching?.reject(error);
    }
  }

  #send(message: FromThread, transfer: readonly Transferable[] = []): void {
    const packed = packMessage(message, this.#settings.owner);
    try {
      this.#port.postMessage(packed, transfer);
    } catch (error) {
      if (packed !== message) discardMessage(packed);
      throw error;
    } finally {
      if (packed !== message) releaseMessage(message);
    }
    // It may be blocked.
    if (this.#runner !== undefined) callErrand(ownParking().heap.words, this.#settings.keeper);
  }
}

let loaded = false;
loadKindsBy(() =>
  loaded
    ? undefined
    : import('../all-kinds.ts').then(() => {
        loaded = true;
      }),
);

const seed = ownSeed<ThreadSettings>();
if (seed !== undefined) new ThreadMain(seed.port, seed.settings).start();
