/** What holds of every shared object, whatever it is for: how it is named, sent, waited for with bad options, disposed. */
import { afterAll, describe, expect, test } from 'vitest';
import {
  Barrier,
  CancelledError,
  CapacityLimiter,
  Condition,
  currentTask,
  Event,
  fromToken,
  InvalidStateError,
  Latch,
  LifoQueue,
  Lock,
  Once,
  PriorityQueue,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  shared,
  TaskGroup,
  ThreadPoolExecutor,
  TimeoutError,
  toToken,
} from '../../src/index.ts';
import { failure, thrown, turn } from '../fixtures/awaiting.ts';

const pool = new ThreadPoolExecutor({ threads: 1 });
afterAll(() => pool.shutdown());

interface Named {
  readonly name?: string;
}

interface SharedObject extends Disposable {
  readonly name: string | undefined;
  statistics(): Named & { readonly waiting: number };
}

interface Case<T extends SharedObject> {
  make(options?: Named): T;
  /** Changes its state, so that whoever waits has to; gives what changes it back, if that leaves anything behind. */
  occupy(object: T): (() => void) | undefined;
  /** Makes it so that nobody has to wait, if it is not so from the start. */
  open?(object: T): void;
  /** The two forms of each operation that can wait. */
  waits(object: T): readonly (readonly [(options: never) => Promise<unknown>, (options: never) => unknown])[];
}

function shape<T extends SharedObject>(one: Case<T>): Case<SharedObject> {
  return one as unknown as Case<SharedObject>;
}

type LockLike = Lock | RLock | Semaphore | CapacityLimiter;

function lockLike<T extends LockLike>(make: (options?: Named) => T): Case<SharedObject> {
  return shape<T>({
    make,
    occupy: (lock) => {
      const guard = lock.tryAcquire()!;
      return () => guard[Symbol.dispose]();
    },
    waits: (lock) => [
      [(options) => lock.acquire(options), (options) => lock.acquireSync(options)],
      [(options) => lock.run(() => {}, options), (options) => lock.runSync(() => {}, options)],
    ],
  });
}

function queueLike<T extends Queue<number>>(make: (options?: Named) => T): Case<SharedObject> {
  return shape<T>({
    make: (options) => make({ ...options, capacity: 1 } as Named),
    occupy: (queue) => {
      queue.tryPut(1);
      return undefined;
    },
    waits: (queue) => [
      [(options) => queue.put(2, options), (options) => queue.putSync(2, options)],
      [(options) => queue.putMany([2], options), (options) => queue.putManySync([2], options)],
      [(options) => queue.join(options), (options) => queue.joinSync(options)],
    ],
  });
}

const CASES: readonly (readonly [string, Case<SharedObject>])[] = [
  ['Lock', lockLike((options) => new Lock(options))],
  ['RLock', lockLike((options) => new RLock(options))],
  ['Semaphore', lockLike((options) => new Semaphore(1, options))],
  ['CapacityLimiter', lockLike((options) => new CapacityLimiter(1, options))],
  [
    'RWLock',
    shape<RWLock>({
      make: (options) => new RWLock(options),
      occupy: (lock) => {
        const guard = lock.tryWrite()!;
        return () => guard[Symbol.dispose]();
      },
      waits: (lock) => [
        [(options) => lock.read(options), (options) => lock.readSync(options)],
        [(options) => lock.write.run(() => {}, options), (options) => lock.write.runSync(() => {}, options)],
      ],
    }),
  ],
  [
    'Event',
    shape<Event>({
      make: (options) => new Event(options),
      occupy: (event) => {
        event.set();
        event.clear();
        return undefined;
      },
      open: (event) => event.set(),
      waits: (event) => [[(options) => event.wait(options), (options) => event.waitSync(options)]],
    }),
  ],
  [
    'Latch',
    shape<Latch>({
      make: (options) => new Latch(2, options),
      occupy: (latch) => {
        latch.countDown();
        return undefined;
      },
      open: (latch) => latch.countDown(2),
      waits: (latch) => [[(options) => latch.wait(options), (options) => latch.waitSync(options)]],
    }),
  ],
  [
    'Once',
    shape<Once>({
      make: (options) => new Once(options),
      occupy: (once) => {
        let end!: () => void;
        void once.run(() => new Promise<void>((resolve) => (end = resolve)));
        return () => end();
      },
      open: (once) => once.runSync(() => {}),
      waits: (once) => [
        [(options) => once.run(() => {}, options), (options) => once.runSync(() => {}, options)],
      ],
    }),
  ],
  [
    'Condition',
    shape<Condition>({
      make: (options) => new Condition(options),
      occupy: () => undefined,
      waits: (condition) => {
        const guard = condition.lock.tryAcquire()!;
        return [
          [(options) => condition.wait(guard, options), (options) => condition.waitSync(guard, options)],
          [
            (options) => condition.waitFor(guard, () => false, options),
            (options) => condition.waitForSync(guard, () => false, options),
          ],
        ];
      },
    }),
  ],
  [
    'Barrier',
    shape<Barrier>({
      make: (options) => new Barrier(2, options),
      occupy: (barrier) => {
        barrier.abort();
        barrier.reset();
        return undefined;
      },
      open: (barrier) => void barrier.wait().catch(() => {}),
      waits: (barrier) => [[(options) => barrier.wait(options), (options) => barrier.waitSync(options)]],
    }),
  ],
  ['Queue', queueLike((options) => new Queue<number>(options))],
  ['LifoQueue', queueLike((options) => new LifoQueue<number>(options))],
  ['PriorityQueue', queueLike((options) => new PriorityQueue<number>(options))],
];

interface Seen {
  readonly class: string;
  readonly name: string | undefined;
  readonly statistics: unknown;
}

const see = (object: SharedObject): Seen => ({
  class: object.constructor.name,
  name: object.name,
  statistics: object.statistics(),
});

/** In a thread of its own, whose clock stands still as one that tests have put in its place. */
const blockedByStoppedClock = (objects: {
  readonly event: Event;
  readonly condition: Condition;
  readonly barrier: Barrier;
  readonly queue: Queue<number>;
}): string[] => {
  const { event, condition, barrier, queue } = objects;
  performance.now = () => 0;
  const guard = condition.lock.acquireSync();
  const options = { timeout: 2 };
  const names = [
    () => event.waitSync(options),
    () => condition.waitSync(guard, options),
    () => condition.waitForSync(guard, () => false, options),
    () => barrier.waitSync(options),
    () => queue.putManySync([1, 2], options),
    () => queue.getManySync(2, options) && queue.getSync(options),
  ].map((wait) => {
    try {
      wait();
      return 'none';
    } catch (error) {
      return (error as Error).name;
    }
  });
  guard.release();
  return names;
};

test('a blocking wait keeps its time-out whatever has been made of the clock', async () => {
  await using mortal = new ThreadPoolExecutor({ threads: 1 });
  const objects = {
    event: new Event(),
    condition: new Condition(),
    barrier: new Barrier(2),
    queue: new Queue<number>({ capacity: 1 }),
  };
  const job = mortal
    .with({ onCancel: 'terminate', grace: 0, runTimeout: 5_000 })
    .submit(blockedByStoppedClock, objects);
  expect(await job).toEqual(Array(6).fill('TimeoutError'));
});

describe.each(CASES)('%s', (type, { make, occupy, open, waits }) => {
  test('takes a name last, and has it in its statistics, beside how many wait', () => {
    expect(make({ name: 'here' }).statistics()).toMatchObject({ name: 'here', waiting: 0 });
    expect(make({ name: 'here' }).name).toBe('here');
    expect(make().statistics()).not.toHaveProperty('name');
    expect(make().name).toBeUndefined();
    for (const name of [5, null, {}]) expect(() => make({ name: name as never })).toThrow(TypeError);
  });

  test('arrives as a handle of the same, with class, name and state: sent in any way, by token, by name', async () => {
    const object = shared(`test/${type}`, () => make({ name: 'there' }));
    const free = occupy(object);
    const here = see(object);
    expect(here).toMatchObject({ class: type, name: 'there' });
    expect(await pool.submit(see, object)).toEqual(here);
    expect(
      await pool.submit((within) => within.a[0]!.get('b')!.name, { a: [new Map([['b', object]])] }),
    ).toBe('there');
    expect(see(await pool.submit((same) => same, object))).toEqual(here);
    expect(see(fromToken<SharedObject>(structuredClone(toToken(object))))).toEqual(here);
    expect(see(shared(`test/${type}`, () => make()))).toEqual(here);
    const carrier = new Queue<{ readonly object: SharedObject }>();
    carrier.tryPut({ object });
    expect(await pool.submit((carrier) => carrier.getSync().object.name, carrier)).toBe('there');
    const error = await failure(
      pool.submit((object) => {
        throw Object.assign(new Error('with an object'), { object });
      }, object),
    );
    expect(see((error as { object: SharedObject }).object)).toEqual(here);
    free?.();
  });

  test('refuses wrong options of a wait, by a rejection where a promise is given, and nothing has changed', async () => {
    const object = make();
    const free = occupy(object);
    const all = waits(object);
    const before = object.statistics();
    for (const [wait, waitSync] of all) {
      for (const [options, expected] of [
        [5, TypeError],
        [null, TypeError],
        [{ timeout: '5' }, TypeError],
        [{ timeout: -1 }, RangeError],
        [{ timeout: Number.NaN }, RangeError],
      ] as const) {
        expect(await failure(wait(options as never))).toBeInstanceOf(expected);
        expect(thrown(() => waitSync(options as never))).toBeInstanceOf(expected);
      }
      for (const options of [{ signal: {} }, { keepAlive: 'yes' }])
        expect(await failure(wait(options as never))).toBeInstanceOf(TypeError);
    }
    expect(object.statistics()).toEqual(before);
    free?.();
  });

  test('waits as long as the time-out says, also beyond 2^31 ms, and ends with the very reason of its signal', async () => {
    for (const index of waits(make()).keys()) {
      const object = make();
      const free = occupy(object);
      const [wait] = waits(object)[index]!;
      const controller = new AbortController();
      const outcome = failure(wait({ timeout: 2 ** 31 + 5, signal: controller.signal } as never));
      while (object.statistics().waiting !== 1) await turn();
      await turn();
      expect(object.statistics().waiting).toBe(1);
      const reason = { any: 'thing' };
      controller.abort(reason);
      expect(await outcome).toBe(reason);
      expect(object.statistics().waiting).toBe(0);
      free?.();
    }
  });

  test('fails at once by a time-out of 0, which is no deadlock of a blocking wait', async () => {
    for (const index of waits(make()).keys()) {
      for (const form of [0, 1] as const) {
        // A re-entrant lock is had at once by its thread, and a lock that it has is a deadlock whatever the time-out.
        if (form === 1 && (type === 'RLock' || type === 'Lock')) continue;
        const object = make();
        const free = occupy(object);
        const wait = waits(object)[index]![form];
        const call = async (): Promise<unknown> => wait({ timeout: 0 } as never);
        expect(await failure(call())).toBeInstanceOf(TimeoutError);
        expect(object.statistics().waiting).toBe(0);
        free?.();
      }
    }
  });

  test('lets nobody wait in a cancelled task, though it could be had', async () => {
    let refused = 0;
    const object = make();
    open?.(object);
    const { waiting } = object.statistics();
    const all = waits(object);
    await TaskGroup.run((group) =>
      group.spawn(async () => {
        currentTask()!.cancel();
        for (const [wait, waitSync] of all) {
          expect(await failure(wait({} as never))).toBeInstanceOf(CancelledError);
          expect(thrown(() => waitSync({} as never))).toBeInstanceOf(CancelledError);
          refused++;
        }
      }),
    );
    expect(refused).toBe(all.length);
    expect(object.statistics().waiting).toBe(waiting);
    if (object instanceof Barrier) object.abort();
  });

  test('is given up by dispose(), as often as one likes: then every use is refused', async () => {
    const object = make({ name: 'old' });
    const all = waits(object);
    object[Symbol.dispose]();
    object[Symbol.dispose]();
    for (const [wait, waitSync] of all) {
      expect(await failure(wait({} as never))).toBeInstanceOf(InvalidStateError);
      expect(thrown(() => waitSync({} as never))).toBeInstanceOf(InvalidStateError);
    }
    expect(thrown(() => toToken(object as never))).toBeInstanceOf(InvalidStateError);
    expect(await failure(pool.submit(see, object))).toBeInstanceOf(InvalidStateError);
  });
});
