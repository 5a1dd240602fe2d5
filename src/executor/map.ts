/**
 * `executor.map`: a pipeline from an input, through jobs, to an async iterator.
 *
 *   input ──pull──▶ chunk ──job──▶ outcomes ──▶ next()
 *
 * Invariants
 * - `#ahead` counts the items pulled and not yet taken out; it never exceeds the buffer.
 * - A pool that is full takes the chunk later: what was pulled waits for room, and nothing more is pulled meanwhile.
 * - An item has one outcome, whether its chunk was one item or a thousand: chunks are not visible outside.
 * - After the first error (with `stop`), a close, an abort or a time-out nothing more is pulled, every job left is
 *   cancelled, and the input is closed. So it is when the task ends that made it, which waits for that.
 */
import { checkFunction } from '../core/arguments.ts';
import { startTimer, type Timer } from '../core/clock.ts';
import { CancelledError, PoolFullError, SendError, ThreadDiedError, TimeoutError } from '../core/errors.ts';
import { captureContext } from '../platform/context.ts';
import { onAbort } from '../scope/abort.ts';
import { interruptible } from '../scope/interruptible.ts';
import { currentScope } from '../scope/scope.ts';
import type { ItemOutcomes } from '../thread/protocol.ts';
import { ChunkSizer } from './chunk-sizer.ts';
import type { AnyFunction, MapOptions, MapResults } from './executor.ts';
import type { Job, JobOptions } from './job.ts';
import { type JobSink, startInTask } from './job-executor.ts';
import { closeInput, isPromiseLike, type MapInput, openInput } from './map-input.ts';
import { ScopeMember } from './map-member.ts';
import { type MapSettings, readMapOptions } from './map-options.ts';
import { errorOf, type Outcome, settledResult } from './map-outcome.ts';
import { Stalled } from './map-stalled.ts';

export interface MapRequest {
  readonly sink: JobSink;
  readonly jobOptions: JobOptions;
  readonly fn: AnyFunction;
  readonly items: Iterable<unknown> | AsyncIterable<unknown>;
  readonly options: MapOptions | undefined;
  /** The public method whose caller wrote `fn`. */
  readonly site: AnyFunction;
}

/** @throws TypeError, RangeError for a wrong argument. Everything else comes out of the iterator. */
export function mapItems(request: MapRequest): MapResults<unknown> {
  checkFunction(request.fn, 'fn');
  const run = new MapRun(request, readMapOptions(request.options));
  run.start();
  return run;
}

interface Item {
  readonly index: number;
  readonly item: unknown;
  outcome: Outcome | undefined;
}

interface Waiter {
  resolve(result: IteratorResult<unknown, undefined>): void;
  reject(error: unknown): void;
}

class MapRun implements AsyncIterableIterator<unknown, undefined>, AsyncDisposable {
  readonly #request: MapRequest;
  readonly #settings: MapSettings;
  readonly #sizer: ChunkSizer;
  readonly #jobs = new Set<Job>();
  /** Items not yet taken out: in the order of the input if ordered, else those with an outcome as they came. */
  readonly #line: Item[] = [];
  readonly #waiters: Waiter[] = [];
  #head = 0;
  #input: MapInput | undefined;
  #nextIndex = 0;
  #ahead = 0;
  #chunk: Item[] = [];
  /** Chunks that found the pool full. */
  readonly #stalled: Stalled<readonly Item[]>;
  /** What an async input is asked for. */
  #step: PromiseLike<IteratorResult<unknown>> | undefined;
  #exhausted = false;
  /** Why nothing more is pulled; delivered after the results before it. */
  #failure: { error: unknown } | undefined;
  /** An item has failed that will end the map once its turn comes. */
  #failing = false;
  #over = false;
  #timer: Timer | undefined;
  #stopListening: (() => void) | undefined;
  readonly #scope = currentScope();
  /** Jobs are submitted where the map was made: not where its reader happens to be, or what a result has woken. */
  readonly #inContext = captureContext();
  /** What its scope has of it. */
  readonly #member: ScopeMember;
  #closing: Promise<unknown> | undefined;

  constructor(request: MapRequest, settings: MapSettings) {
    this.#request = request;
    this.#settings = settings;
    this.#sizer = new ChunkSizer(settings.chunkSize);
    this.#member = new ScopeMember((reason) => this.#abort(reason));
    this.#stalled = new Stalled({
      room: (signal) => request.sink.waitForRoom({ signal }),
      start: (chunk) => this.#startChunk(chunk),
      fail: (chunk, error) => this.#chunkFailed(chunk, error),
      goOn: () => this.#pull(),
    });
  }

  start(): void {
    const { signal, timeout } = this.#settings;
    this.#input = openInput(this.#request.items);
    this.#member.join();
    // In a task that is cancelled already.
    if (this.#over) return;
    if (signal?.aborted) return this.#abort(signal.reason);
    this.#stopListening = signal && onAbort(signal, (reason) => this.#abort(reason));
    this.#timer = startTimer(timeout, () =>
      this.#abort(new TimeoutError(`Cannot finish map within ${timeout} ms`)),
    );
    this.#pull();
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const ready = this.#take();
    this.#pull();
    if (ready !== undefined) return ready;
    const waiting = new Promise<IteratorResult<unknown, undefined>>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
    const result = interruptible(waiting, undefined, () => 'map');
    // A job that reads a map of its own pool gives it its slot meanwhile.
    const [job] = this.#jobs;
    const giveBack = job?.awaited(true);
    if (giveBack !== undefined) result.then(giveBack, giveBack);
    // A cancelled reader does not come back, and `for await` does not close an iterator whose `next` failed.
    result.catch((error: unknown) => this.#abort(error));
    return result;
  }

  /** Cancels what is left, and resolves when the jobs have ended and the input is closed. */
  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#finish(new CancelledError('The map was closed'));
    await this.#member.ended;
    // An error of the input, once its reader has asked for the end.
    await this.#closing;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  get #buffer(): number {
    return this.#settings.buffer ?? 2 * this.#request.sink.width * this.#sizer.size;
  }

  /** Takes items from the input until the buffer is full. An async input is waited for by one puller at a time. */
  #pull(): void {
    while (this.#step === undefined && this.#wantsMore()) {
      let step: IteratorResult<unknown> | PromiseLike<IteratorResult<unknown>>;
      try {
        step = (this.#input as Iterator<unknown>).next();
      } catch (error) {
        return this.#inputFailed(error);
      }
      if (isPromiseLike(step)) {
        this.#step = step;
        // What was pulled so far need not wait for the rest of its chunk.
        this.#flushIfIdle();
        void this.#pullLater(step);
        return;
      }
      this.#admit(step);
    }
    this.#flushIfIdle();
  }

  async #pullLater(step: PromiseLike<IteratorResult<unknown>>): Promise<void> {
    try {
      const result = await step;
      this.#step = undefined;
      this.#admit(result);
      this.#pull();
    } catch (error) {
      this.#step = undefined;
      this.#inputFailed(error);
    }
  }

  #wantsMore(): boolean {
    if (this.#input === undefined || this.#exhausted || this.#stopped || this.#stalled.waiting) return false;
    return this.#ahead < this.#buffer;
  }

  get #stopped(): boolean {
    return this.#over || this.#failing || this.#failure !== undefined;
  }

  #admit(step: IteratorResult<unknown>): void {
    if (this.#stopped) return;
    if (step.done) {
      this.#exhausted = true;
      this.#flush();
      this.#deliver();
      return;
    }
    const item: Item = { index: this.#nextIndex++, item: step.value, outcome: undefined };
    this.#ahead++;
    if (this.#settings.ordered) this.#line.push(item);
    this.#chunk.push(item);
    if (this.#chunk.length >= this.#sizer.size) this.#flush();
  }

  #inputFailed(error: unknown): void {
    this.#exhausted = true;
    this.#flush();
    this.#failure ??= { error };
    this.#deliver();
  }

  /** A chunk that is not full goes too when threads would otherwise have nothing to do. */
  #flushIfIdle(): void {
    if (this.#jobs.size < this.#request.sink.width) this.#flush();
  }

  #flush(): void {
    if (this.#chunk.length === 0) return;
    const chunk = this.#chunk;
    this.#chunk = [];
    this.#startChunk(chunk);
  }

  #startChunk(chunk: readonly Item[]): void {
    let given = 0;
    const onPart = ({ values, errors }: ItemOutcomes): void => {
      const failed = new Map(errors);
      for (const [index, value] of values.entries()) {
        const item = chunk[given++];
        if (item === undefined) continue;
        this.#settle(item, failed.has(index) ? { ok: false, error: failed.get(index) } : { ok: true, value });
      }
      this.#deliver();
    };
    let job: Job;
    try {
      job = this.#submit(chunk, onPart);
    } catch (error) {
      if (error instanceof PoolFullError) this.#stalled.add(chunk);
      else this.#chunkFailed(chunk, error);
      return;
    }
    this.#jobs.add(job);
    job.future.addDoneCallback((future) => {
      this.#jobs.delete(job);
      if (future.status === 'fulfilled') this.#sizer.measured(chunk.length, job.ranMs);
      else this.#chunkFailed(chunk.slice(given), errorOf(future));
      this.#pull();
    });
  }

  #submit(chunk: readonly Item[], onPart: (outcomes: ItemOutcomes) => void): Job {
    const { sink, fn, site, jobOptions } = this.#request;
    const { args, onError } = this.#settings;
    const items = chunk.map(({ item }) => item);
    const path = `items[${chunk[0]?.index}]`;
    const work = {
      kind: 'each',
      items,
      path: chunk.length === 1 ? path : `items from ${path}`,
      args,
      stop: onError === 'stop',
      onPart,
    } as const;
    return this.#inContext(() => startInTask(sink, fn, site, work, jobOptions));
  }

  /** What has no outcome yet failed with its chunk; if it may be run again, item by item, that is done instead. */
  #chunkFailed(rest: readonly Item[], error: unknown): void {
    const again = rest.length > 1 && this.#mayRunAgain(error);
    for (const item of rest) {
      if (again && !this.#stopped) this.#startChunk([item]);
      else this.#settle(item, { ok: false, error });
    }
    this.#deliver();
  }

  /** A value that cannot be sent fails alone; a death fails alone if the others may be run a second time. */
  #mayRunAgain(error: unknown): boolean {
    return error instanceof ThreadDiedError
      ? this.#request.jobOptions.idempotent
      : error instanceof SendError;
  }

  #settle(item: Item, outcome: Outcome): void {
    if (this.#over || item.outcome !== undefined) return;
    item.outcome = outcome;
    if (!outcome.ok && this.#settings.onError === 'stop') this.#failing = true;
    if (!this.#settings.ordered) this.#line.push(item);
  }

  /** Serves those who wait in `next()`, for as long as there is something to say. */
  #deliver(): void {
    while (this.#waiters.length > 0) {
      const result = this.#take();
      if (result === undefined) return;
      const waiter = this.#waiters.shift() as Waiter;
      result.then(waiter.resolve, waiter.reject);
    }
    this.#pull();
  }

  /** The next element, the failure or the end; `undefined` if that is not known yet. */
  #take(): Promise<IteratorResult<unknown, undefined>> | undefined {
    for (;;) {
      if (this.#over) return this.#end();
      const item = this.#line[this.#head];
      if (item === undefined) return this.#takeEnd();
      if (item.outcome === undefined) return undefined;
      this.#advance();
      const element = this.#element(item, item.outcome);
      if (element !== undefined) return element;
    }
  }

  #takeEnd(): Promise<IteratorResult<unknown, undefined>> | undefined {
    if (this.#ahead > 0) return undefined;
    if (this.#failure !== undefined) return this.#fail(this.#failure.error);
    if (!this.#exhausted) return undefined;
    this.#finish();
    return this.#end();
  }

  /** `undefined` for an item that is left out. */
  #element(item: Item, outcome: Outcome): Promise<IteratorResult<unknown, undefined>> | undefined {
    const { onError, entries } = this.#settings;
    if (!outcome.ok && onError === 'stop') return this.#fail(outcome.error);
    if (!outcome.ok && onError === 'skip') return undefined;
    const value = onError === 'settle' ? settledResult(outcome) : (outcome as { value: unknown }).value;
    const element = entries ? { index: item.index, item: item.item, value } : value;
    return Promise.resolve({ done: false, value: element });
  }

  #advance(): void {
    this.#ahead--;
    this.#head++;
    // Forget what was taken out, now and then rather than at each step.
    if (this.#head >= 1024 && this.#head * 2 >= this.#line.length) {
      this.#line.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #abort(reason: unknown): void {
    if (this.#over) return;
    this.#finish(reason);
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#reasonLeft = { error: reason };
    else waiter.reject(reason);
    this.#deliver();
  }

  /** An abort that no `next()` has told yet. */
  #reasonLeft: { error: unknown } | undefined;

  #fail(error: unknown): Promise<never> {
    this.#finish(error);
    return Promise.reject(error);
  }

  #end(): Promise<IteratorResult<unknown, undefined>> {
    const left = this.#reasonLeft;
    this.#reasonLeft = undefined;
    return left === undefined
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(left.error);
  }

  /** Nothing more will come out. `reason` is what the jobs left are told. */
  #finish(reason?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.stop();
    this.#stopListening?.();
    this.#line.length = 0;
    this.#chunk.length = 0;
    this.#stalled.drop();
    const left: PromiseLike<unknown>[] = [...this.#jobs].map((job) => job.ended);
    for (const job of this.#jobs) job.future.cancel(reason);
    if (!this.#exhausted && this.#input !== undefined)
      this.#closing = closeInput(this.#input, this.#step, this.#scope);
    this.#input = undefined;
    // The reader has been told already why the map ended.
    left.push(this.#closing?.catch(() => {}) ?? Promise.resolve());
    this.#member.endsWith(left);
  }
}
