/** One explored thread: its task, and the strands of code that run in it. */
import { ambient, type Scope } from '../../scope/scope.ts';
import { scopeOf, startTask, type Task } from '../../scope/task.ts';
import { markHandled } from '../../scope/waiter.ts';
import { Belongings } from './belongings.ts';
import type { Machine } from './machine.ts';
import type { Steps } from './steps.ts';

type Input = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

const NOTHING: Input = { ok: true, value: undefined };

/** How often anything has become ready. */
let readied = 0;

/** A stretch of code that runs to its end by itself: the function of the thread, a call of an async function. */
class Strand {
  readonly steps: Steps;
  readonly scope: Scope | undefined;
  /** The blocked strand on whose stack it runs; `undefined` if it runs from the loop. */
  readonly within: Strand | undefined;
  readonly promise: Promise<unknown>;
  state: 'ready' | 'waiting' | 'blocked' | 'done' = 'ready';
  /** What it goes on with. */
  input: Input = NOTHING;
  /** The site of the step before which it stands. */
  point: number | undefined;
  /** The site of its wait. */
  waitsAt: number | undefined;
  /** That of its last one, if it has waited. */
  waitedAt: number | undefined;
  /** When it became ready, among all. */
  readySince: number = ++readied;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;

  constructor(steps: Steps, within: Strand | undefined) {
    this.steps = steps;
    this.within = within;
    this.scope = ambient.get();
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  end(outcome: Input): void {
    this.state = 'done';
    if (outcome.ok) this.#resolve(outcome.value);
    else this.#reject(outcome.error);
  }

  /** It will not run any more. */
  drop(error: unknown): void {
    markHandled(this.promise);
    this.end({ ok: false, error });
  }
}

const threadOfTask = new WeakMap<object, ModelThread>();

/** The thread to which the code that runs now belongs. */
export function currentThread(): ModelThread | undefined {
  for (let scope = ambient.get(); scope !== undefined; scope = scope.parent) {
    const thread = scope.task && threadOfTask.get(scope.task);
    if (thread !== undefined) return thread;
  }
  return undefined;
}

export class ModelThread {
  readonly id: number;
  readonly name: string;
  readonly belongings: Belongings = new Belongings();
  status: 'alive' | 'done' | 'dead' = 'alive';
  readonly #machine: Machine;
  readonly #body: () => Steps;
  #task: Task<unknown> | undefined;
  /** What runs, from the loop up. Only the last may run. */
  readonly #stack: Strand[] = [];
  /** What may go on, in order. */
  readonly #ready: Strand[] = [];
  /** All that have not ended. */
  readonly #strands = new Set<Strand>();
  /** What its loop does when the code that runs has returned to it. */
  #due: (() => void)[] = [];

  constructor(machine: Machine, id: number, name: string, body: () => Steps) {
    this.#machine = machine;
    this.id = id;
    this.name = name;
    this.#body = body;
  }

  /** The site of the step before which it stands, if it does. */
  get point(): number | undefined {
    return this.#top?.point;
  }

  /** A number for where it stands. */
  get place(): number {
    return this.point ?? this.#next?.waitedAt ?? -1;
  }

  /** When what runs next became ready. */
  get readySince(): number {
    return this.#next?.readySince ?? 0;
  }

  /** Whether it can go on without anybody's choice. */
  get canRun(): boolean {
    const top = this.#top;
    if (this.status === 'dead' || top?.point !== undefined) return false;
    return top?.state === 'ready' || this.#nextReady() >= 0;
  }

  get #next(): Strand | undefined {
    return this.#top ?? this.#ready[this.#nextReady()];
  }

  get #top(): Strand | undefined {
    return this.#stack.at(-1);
  }

  start(): void {
    this.#task = startTask(
      () => {
        threadOfTask.set(ambient.get()!.task!, this);
        return this.spawn(this.#body());
      },
      {
        name: this.name,
        owner: {
          failed: (error) => this.#machine.fail(error),
          ended: () => {
            if (this.status === 'alive') this.status = 'done';
          },
        },
      },
    );
  }

  /** Code that begins soon, in the task of the caller. */
  spawn(steps: Steps): Promise<unknown> {
    const top = this.#top;
    const strand = this.#make(steps, top?.state === 'blocked' ? top : undefined);
    this.#ready.push(strand);
    return strand.promise;
  }

  /**
   * Calls `settle` once the code that runs now has returned to the loop: what a promise leads to comes after that, and who
   * looks whether it was handled must not look before.
   */
  whenIdle(settle: () => void): void {
    if (this.#stack.length === 0) settle();
    else this.#due.push(settle);
  }

  /** Takes the step before which it stands, and goes on to the next. */
  step(): void {
    this.#top!.point = undefined;
    this.run();
  }

  /** Of a task: runs what is first in line until that awaits. */
  runOn(): void {
    const { name } = this;
    const { waitedAt } = this.#next!;
    if (waitedAt === undefined) this.#machine.trace.step(name, { text: '(begins)', place: '' });
    else {
      const { text, place } = this.#machine.place(waitedAt);
      this.#machine.trace.step(name, { text: `(after ${text})`, place });
    }
    this.#advance();
    while (this.#stack.length > 0) this.#advance();
  }

  /** Runs until it stands before a step, or cannot go on. */
  run(): void {
    while (this.canRun) this.#advance();
  }

  #advance(): void {
    let top = this.#top;
    if (top?.state !== 'ready') {
      top = this.#ready.splice(this.#nextReady(), 1)[0]!;
      this.#stack.push(top);
    }
    this.#resume(top);
    if (this.#stack.length === 0 && this.#due.length > 0) this.#settleDue();
  }

  #settleDue(): void {
    const due = this.#due;
    this.#due = [];
    for (const settle of due) settle();
    this.#machine.touched();
  }

  /** It ends here and now, wherever it stands. */
  kill(): void {
    if (this.status !== 'alive') return;
    this.status = 'dead';
    const scopes = new Set(
      [...this.#strands].map(({ scope }) => scope).filter((scope) => scope !== undefined),
    );
    const own = scopeOf(this.#task!);
    scopes.add(own);
    this.belongings.drop(scopes, () => own.cancel(`thread "${this.name}" has died`));
    const error = own.cancellation ?? new Error('The thread has died');
    for (const strand of this.#strands) strand.drop(error);
    for (const settle of this.#due) settle();
    this.#due = [];
    this.#strands.clear();
    this.#stack.length = 0;
    this.#ready.length = 0;
  }

  /** Where it waits: `waits at lock.acquireSync() (transfer:2)`. */
  waitsAt(machine: Machine): string {
    const places = [...this.#strands].flatMap(({ waitsAt }) => (waitsAt === undefined ? [] : [waitsAt]));
    const innermost = this.#top?.waitsAt ?? places.at(-1);
    if (innermost === undefined) return 'waits for what it has started';
    const { text, place } = machine.place(innermost);
    return `waits at ${text} (${place})`;
  }

  #make(steps: Steps, within: Strand | undefined): Strand {
    const strand = new Strand(steps, within);
    this.#strands.add(strand);
    return strand;
  }

  /** The first that may go on, in `#ready`; -1 if there is none. */
  #nextReady(): number {
    const top = this.#top;
    if (top !== undefined && top.state !== 'blocked') return -1;
    return this.#ready.findIndex(({ within }) => within === top);
  }

  #resume(strand: Strand): void {
    const { input, steps } = strand;
    strand.input = NOTHING;
    ambient.run(strand.scope, () => {
      let result: ReturnType<Steps['next']>;
      try {
        result = input.ok ? steps.next(input.value) : steps.throw(input.error);
      } catch (error) {
        return this.#ended(strand, { ok: false, error });
      }
      if (result.done === true) return this.#ended(strand, { ok: true, value: result.value });
      const stop = result.value;
      if (stop.kind === 'point') this.#point(strand, stop.site);
      else if (stop.kind === 'wait') this.#wait(strand, stop);
      else {
        const begun = this.#make(stop.steps, strand.within);
        strand.input = { ok: true, value: begun.promise };
        this.#stack.push(begun);
      }
    });
  }

  #point(strand: Strand, site: number): void {
    if (this.#machine.areTasks) this.#machine.trace.step(this.name, this.#machine.place(site));
    else strand.point = site;
  }

  #wait(
    strand: Strand,
    { site, promise, blocks }: { site: number; promise: PromiseLike<unknown>; blocks: boolean },
  ): void {
    strand.state = blocks ? 'blocked' : 'waiting';
    strand.waitsAt = site;
    if (!blocks) this.#stack.pop();
    const goOn = (input: Input): void => {
      if (strand.state === 'done') return;
      strand.state = 'ready';
      strand.waitedAt = site;
      strand.waitsAt = undefined;
      strand.readySince = ++readied;
      strand.input = input;
      if (!blocks) this.#ready.push(strand);
    };
    promise.then(
      (value) => goOn({ ok: true, value }),
      (error: unknown) => goOn({ ok: false, error }),
    );
    this.#machine.touched();
  }

  #ended(strand: Strand, outcome: Input): void {
    this.#stack.pop();
    this.#strands.delete(strand);
    strand.state = 'done';
    // Who waits for it on a blocked stack is no code of the loop.
    if (strand.within !== undefined) strand.end(outcome);
    else this.whenIdle(() => this.#tell(strand, outcome));
    this.#machine.touched();
  }

  #tell(strand: Strand, outcome: Input): void {
    // Of the dead nobody is left who could handle it.
    if (this.status === 'dead') markHandled(strand.promise);
    strand.end(outcome);
  }
}
