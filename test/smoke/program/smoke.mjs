/** The smoke program: what the package promises, on whatever runtime this is. */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as heddle from 'heddle';
import { check, collect, equal, ok, rejection, runChecks, runChild } from './check.mjs';
import * as jobs from './jobs.mjs';
import './crossing.mjs';
import './exploring.mjs';
import './functions.mjs';
import './shared.mjs';

const { CancelledError, CaptureError, SendError, ShutDownError, TaskGroup } = heddle;
const { Lock, TaskGroupError, ThreadDiedError, ThreadPoolExecutor, TimeoutError, toThread } = heddle;

const SPIN = 'Deno cannot stop a thread that spins';

/** A pool of two threads for `body`, shut down after it; a job that never ends does not hold that up. */
async function withPool(body, options = {}) {
  const pool = new ThreadPoolExecutor({ threads: 2, ...options });
  try {
    return await body(pool);
  } finally {
    await pool.shutdown({ cancelPending: true, cancelRunning: true });
    equal(pool.size, 0, 'threads after shutdown');
  }
}

function words(count = 2) {
  return new Int32Array(new SharedArrayBuffer(4 * count));
}

/** Resolves when the word is no longer 0; asks again and again, for not every runtime has Atomics.waitAsync. */
async function raised(array, index = 0) {
  while (Atomics.load(array, index) === 0) await heddle.sleep(2);
}

check('the package exports what it says', async () => {
  const exported = new Map(Object.entries(heddle));
  const functions = ['toThread', 'run', 'portable', 'capture', 'sleep', 'defaultPool', 'currentThread'];
  for (const name of [...functions, 'TaskGroup', 'ThreadPoolExecutor', 'Future']) {
    equal(typeof exported.get(name), 'function', name);
  }
});

check('isMainThread is true in the program and false in threads', async () => {
  equal(heddle.isMainThread, true);
  const there = await toThread(jobs.where);
  equal(there.main, false);
  ok(there.id > 0, `the thread's id is ${there.id}`);
});

check('toThread() runs an inline function', async () => {
  equal(await toThread((a, b) => a + b, 2, 3), 5);
});

for (const bytes of [1000, 1_000_000]) {
  check(`${bytes} bytes are copied there, and moved there and back`, async () => {
    const pixels = new Uint8Array(bytes).fill(5);
    const copied = await toThread(jobs.invert, pixels);
    equal([pixels.length, copied.length, copied[bytes - 1]], [bytes, bytes, 250]);
    const moved = await toThread(jobs.invert, heddle.transfer(pixels));
    equal([pixels.length, moved.length, moved[bytes - 1]], [0, bytes, 250]);
  });
}

check('toThread() runs an async function', async () => {
  const slept = await toThread(async (ms) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return 'slept';
  }, 1);
  equal(slept, 'slept');
});

check('toThread() runs a portable function, which is callable in place too', async () => {
  equal(await toThread(jobs.square, 7), 49);
  equal(jobs.square(7), 49);
});

check('a job has its own context, and nothing of that of another', async () => {
  const pool = new heddle.ThreadPoolExecutor({ threads: 1 });
  const seen = await Promise.all([pool.submit(jobs.enterContext), pool.submit(jobs.readContext)]);
  equal(seen, ['entered', 'none']);
  equal(await pool.submit(jobs.readContext), 'none');
  equal(await pool.submit(jobs.contextAround, pool), ['mine', true, 'none', 'mine', true]);
  await pool.shutdown();
});

check('functions of the runtime and of the language go as they are', async () => {
  equal(await toThread(basename, '/a/b.txt', '.txt'), 'b');
  equal(gunzipSync(await toThread(gzipSync, 'text')).toString(), 'text');
  equal(await toThread(Math.hypot, 3, 4), 5);
  equal(await toThread((path, name) => name(path), '/a/b.txt', basename), 'b.txt');
});

check('capture() hands an inline function the values it needs', async () => {
  const factor = 3;
  equal(
    await toThread(
      heddle.capture({ factor }, (values, n) => values.factor * n),
      7,
    ),
    21,
  );
});

check('import() in an inline function resolves from the file in which it stands', async () => {
  equal(await toThread(async (text) => (await import('./plain.mjs')).upper(text), 'a'), 'A');
});

check('CaptureError names the captured variable and says what to do', async () => {
  const offset = Number('1'); // not a constant: Bun would put that into the function
  const error = await rejection(
    toThread((n) => n + offset, 1),
    CaptureError,
  );
  equal(error.variables, ['offset']);
  ok(error.message.includes('offset') && error.message.includes('smoke.mjs'), error.message);
});

check('import() by a loader gives a proxy of the module', () =>
  withPool(async (pool) => {
    const plain = pool.import(() => import('./plain.mjs'));
    equal(await plain.upper('a'), 'A');
    equal(await plain.later('b'), 'b, later');
  }),
);

check('import() by a URL gives a proxy of the module', () =>
  withPool(async (pool) => {
    equal(await pool.import(new URL('./plain.mjs', import.meta.url)).upper('a'), 'A');
  }),
);

check('a missing export is named', () =>
  withPool(async (pool) => {
    const error = await rejection(pool.import(new URL('./plain.mjs', import.meta.url)).lower('a'), TypeError);
    ok(error.message.includes('lower') && error.message.includes('plain.mjs'), error.message);
  }),
);

check('an error arrives with class, message, stack, cause and own fields', async () => {
  const error = await rejection(toThread(jobs.fail, 'B7'), jobs.ShelfError);
  equal([error.name, error.message, error.shelf], ['ShelfError', 'no such book', 'B7']);
  ok(error.cause instanceof RangeError && error.cause.message === 'row 9 of 8', `cause: ${error.cause}`);
  ok(error.stack.includes('jobs.mjs'), error.stack);
});

check('an argument that cannot be sent is refused with the path to it', async () => {
  const value = { list: [1, new WeakMap()] };
  const error = await rejection(
    toThread((v) => v, value),
    SendError,
  );
  equal(error.path, 'args[0].list[1]');
});

check('a result that cannot be sent is refused with the path to it', async () => {
  const error = await rejection(
    toThread(() => ({ map: new WeakMap() })),
    SendError,
  );
  equal(error.path, 'result.map');
});

check('a pool of two threads runs two jobs at the same time', () =>
  withPool(async (pool) => {
    const word = words();
    equal(await Promise.all([pool.submit(jobs.meet, word), pool.submit(jobs.meet, word)]), [2, 2]);
  }),
);

check('map() yields results in the order of the items', () =>
  withPool(async (pool) => {
    equal(await collect(pool.map(jobs.squareLater, [5, 4, 3, 2, 1])), [25, 16, 9, 4, 1]);
  }),
);

check('map() with ordered: false yields every result once', () =>
  withPool(async (pool) => {
    const results = await collect(pool.map(jobs.squareLater, [5, 4, 3, 2, 1], { ordered: false }));
    equal(
      results.sort((a, b) => a - b),
      [1, 4, 9, 16, 25],
    );
  }),
);

check("map() with chunkSize 'auto' yields every result in order", () =>
  withPool(async (pool) => {
    const items = Array.from({ length: 2000 }, (_, n) => n);
    const results = await collect(pool.map(jobs.square, items, { chunkSize: 'auto' }));
    equal(
      results,
      items.map((n) => n * n),
    );
  }),
);

check('map() takes an async iterable, closes it, and reads ahead no further than buffer', () =>
  withPool(async (pool) => {
    let taken = 0;
    let closed = false;
    async function* source() {
      try {
        for (;;) yield taken++;
      } finally {
        closed = true;
      }
    }
    const results = [];
    for await (const value of pool.map(jobs.square, source(), { buffer: 4 })) {
      results.push(value);
      ok(taken <= results.length + 5, `${taken} items taken for ${results.length} results`);
      if (results.length === 10) break;
    }
    equal(results.at(-1), 81);
    equal(closed, true, 'closed');
  }),
);

check("map() with onError 'settle' yields an outcome for every item", () =>
  withPool(async (pool) => {
    const results = await collect(pool.map(jobs.bad, [1, 2, 3], { onError: 'settle' }));
    equal(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    ok(results[1].reason instanceof RangeError, `reason: ${results[1].reason}`);
  }),
);

check('map() with entries and args', () =>
  withPool(async (pool) => {
    const results = await collect(pool.map((n, by) => n * by, [1, 2], { args: [10], entries: true }));
    equal(results, [
      { index: 0, item: 1, value: 10 },
      { index: 1, item: 2, value: 20 },
    ]);
  }),
);

check('TaskGroup: a failure cancels the siblings, and is reported', async () => {
  let sibling;
  const group = TaskGroup.run((g) => {
    sibling = g.spawn(() => heddle.sleep(60_000));
    g.spawn(async () => {
      await heddle.sleep(1);
      throw new RangeError('down');
    });
  });
  const error = await rejection(group, TaskGroupError);
  ok(error.errors.length === 1 && error.errors[0] instanceof RangeError, `errors: ${error.errors}`);
  equal(sibling.status, 'cancelled');
});

check('TaskGroup: cancelling it from outside cancels a job in a thread', async () => {
  const word = words();
  const controller = new AbortController();
  const group = TaskGroup.run(
    (g) => {
      g.spawn(() => toThread(jobs.spinUntilCancelled, word));
    },
    { signal: controller.signal },
  );
  const settled = group.then(
    () => 'resolved',
    (error) => error,
  );
  await raised(word, 0);
  const reason = new Error('enough');
  controller.abort(reason);
  ok((await settled) === reason, `the group rejected with ${await settled}`);
  await raised(word, 1);
});

check('a new SharedArrayBuffer reaches a thread with its job, whatever its loop is doing', async () => {
  for (let round = 0; round < 60; round++) {
    const word = words();
    const controller = new AbortController();
    const spinning = heddle
      .defaultPool()
      .with({ signal: controller.signal })
      // Also beside a handle, which can be opened only once.
      .submit(jobs.spinUntilCancelled, word, ...(round % 2 === 0 ? [] : [new heddle.Lock()]));
    const settled = spinning.then(
      () => 'resolved',
      (error) => error,
    );
    await Promise.race([raised(word, 0), settled.then((early) => ok(false, `it ended with ${early}`))]);
    controller.abort('enough');
    ok((await settled) === 'enough', `it ended with ${await settled}`);
    await raised(word, 1);
  }
});

check('run() resolves to the value of its main function', async () => {
  equal(await heddle.run(async () => (await toThread(jobs.square, 3)) + 1), 10);
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  check(`run() cleans up after ${signal} and ends with code ${code}`, async () => {
    let sent = false;
    const child = await runChild('./interrupted.mjs', {
      onOutput: (running, text) => {
        if (!text.includes('ready') || sent) return;
        sent = true;
        // Not running.kill(): Deno would report the signal that it was told to send, whatever the child did about it.
        process.kill(running.pid, signal);
      },
    });
    equal([child.code, child.signal], [code, null], `end (stderr ${child.stderr})`);
    equal(child.stdout, 'ready\ncleaned up\n', 'stdout');
    equal(child.stderr, '', 'stderr');
  });
}

check('with({ timeout }) rejects a job that takes longer', () =>
  withPool(async (pool) => {
    const word = words();
    await rejection(pool.with({ timeout: 50 }).submit(jobs.spinUntilCancelled, word), TimeoutError);
    // The time may have been up before the job began; if it did begin, it was told.
    if (Atomics.load(word, 0) === 1) await raised(word, 1);
  }),
);

check('with({ signal }) cancels a running job, which sees it without returning to its loop', () =>
  withPool(async (pool) => {
    const word = words();
    const controller = new AbortController();
    const future = pool.with({ signal: controller.signal }).submit(jobs.spinUntilCancelled, word);
    const settled = rejection(future, Error);
    await raised(word, 0);
    controller.abort();
    await settled;
    await raised(word, 1);
  }),
);

check(
  "onCancel: 'terminate' ends a job that spins, and the pool goes on",
  () =>
    withPool(async (pool) => {
      const word = words();
      const future = pool.with({ onCancel: 'terminate', grace: 10 }).submit(jobs.spin, word);
      const settled = rejection(future, CancelledError);
      await raised(word, 0);
      future.cancel();
      await settled;
      equal(await collect(pool.map(jobs.square, [1, 2, 3, 4])), [1, 4, 9, 16]);
    }),
  { deno: SPIN },
);

check('process.exit() in a job rejects it with ThreadDiedError, and the pool goes on', () =>
  withPool(async (pool) => {
    const error = await rejection(pool.submit(jobs.exit, 3), ThreadDiedError);
    equal([error.reason, error.exitCode], ['exit', 3]);
    equal(await pool.submit(jobs.square, 4), 16);
  }),
);

check(
  'a job that runs out of memory rejects with ThreadDiedError, and the pool goes on',
  () =>
    withPool(
      async (pool) => {
        const error = await rejection(pool.submit(jobs.hoard), ThreadDiedError);
        equal(error.reason, 'memory');
        equal(await pool.submit(jobs.square, 4), 16);
      },
      { resourceLimits: { maxOldGenerationSizeMb: 24 } },
    ),
  {
    bun: 'Bun does not enforce limits of memory for a thread',
    deno: 'Deno does not enforce limits of memory for a thread',
  },
);

check('resize() changes how many threads there are', () =>
  withPool(
    async (pool) => {
      const word = words();
      const both = Promise.all([pool.submit(jobs.meet, word), pool.submit(jobs.meet, word)]);
      await pool.resize(2);
      equal(await both, [2, 2]);
      equal(pool.size, 2, 'threads');
      await pool.resize(1);
      equal(pool.size, 1, 'threads');
      equal(await pool.submit(jobs.square, 4), 16);
    },
    { threads: 1 },
  ),
);

check('shutdown() runs what waits, and refuses what comes after', async () => {
  const pool = new ThreadPoolExecutor({ threads: 1 });
  const futures = [1, 2, 3].map((n) => pool.submit(jobs.squareLater, n));
  const end = pool.shutdown();
  await rejection(pool.submit(jobs.square, 4), ShutDownError);
  equal(await Promise.all(futures), [1, 4, 9]);
  await end;
  equal(pool.size, 0, 'threads');
});

check('statistics() counts jobs and threads', () =>
  withPool(async (pool) => {
    await pool.submit(jobs.square, 1);
    await pool.submit(jobs.fail, 'A').catch(() => {});
    const { threads, idle, queued, running, completed, failed, busyMs } = pool.statistics();
    equal({ queued, running, completed, failed }, { queued: 0, running: 0, completed: 1, failed: 1 });
    ok(threads >= 1 && idle === threads && busyMs.length === 2, `threads ${threads}, idle ${idle}`);
  }),
);

check('an idle pool does not keep the process alive', async () => {
  const child = await runChild('./idle.mjs');
  equal([child.code, child.stdout, child.stderr], [0, '2,3,4\n', '']);
});

check('a job that is not settled keeps the process alive', async () => {
  const child = await runChild('./pending.mjs');
  equal([child.code, child.stdout, child.stderr], [0, 'done\n', '']);
});

check('a TypeScript module works in a thread, by a loader', () =>
  withPool(async (pool) => {
    equal(await pool.import(() => import('./work.ts')).greet({ name: 'you' }), 'hello you');
  }),
);

check('a TypeScript module works in a thread, by a URL', () =>
  withPool(async (pool) => {
    equal(await pool.import(new URL('./work.ts', import.meta.url)).greet({ name: 'me' }), 'hello me');
  }),
);

/** A Worker of our own, once it has the lock. */
async function startHolder(lock, then) {
  const word = words();
  const worker = new Worker(new URL('./holder.mjs', import.meta.url), {
    workerData: { token: heddle.toToken(lock), word, then },
  });
  worker.on('error', () => {});
  await raised(word);
  return worker;
}

function ownerDied(acquire) {
  try {
    acquire();
  } catch (error) {
    equal(error instanceof heddle.OwnerDiedError, true, `${error.name}: ${error.message}`);
    error.guard.release();
    return;
  }
  throw new Error('nobody was told of the death');
}

check('a lock makes tasks and blocked threads take turns', () =>
  withPool(async (pool) => {
    const lock = new Lock({ name: 'counter' });
    const counter = words();
    await Promise.all([
      pool.submit(jobs.raise, lock, counter, 500),
      pool.submit(jobs.raiseBlocked, lock, counter, 500),
      jobs.raise(lock, counter, 500),
      jobs.raise(lock, counter, 500),
    ]);
    equal(counter[0], 2000);
    equal(lock.statistics(), { name: 'counter', locked: false, waiting: 0 });
  }),
);

check('a lock in a message is the same lock there, and back here', () =>
  withPool(async (pool) => {
    const lock = new Lock({ name: 'sent' });
    const guard = lock.acquireSync();
    const there = await pool.submit(jobs.passOn, { lock });
    equal([there.locked, there.back[0].name, there.back[0].locked], [true, 'sent', true]);
    guard.release();
    equal(there.back[0].locked, false);
  }),
);

check('a name gives every thread the same lock', () =>
  withPool(async (pool) => {
    const lock = heddle.shared('smoke/lock', () => new Lock());
    equal(await pool.submit(jobs.lockedBy, 'smoke/lock'), false);
    const guard = lock.acquireSync();
    equal(await pool.submit(jobs.lockedBy, 'smoke/lock'), true);
    guard.release();
  }),
);

check('waiters are served in the order of their coming', async () => {
  const lock = new Lock();
  const guard = lock.acquireSync();
  const served = [];
  const waits = [1, 2, 3].map((n) => lock.run(() => served.push(n)));
  guard.release();
  equal(lock.tryAcquire(), undefined);
  await Promise.all(waits);
  equal(served, [1, 2, 3]);
});

check('cancelling a task ends its wait for a lock', async () => {
  const lock = new Lock();
  const guard = lock.acquireSync();
  await TaskGroup.run(async (group) => {
    const task = group.spawn(() => lock.acquire());
    await heddle.sleep(1);
    task.cancel();
    await rejection(task, CancelledError);
  });
  equal(lock.statistics().waiting, 0);
  guard.release();
});

check('cancelling a job wakes it from a blocking wait', () =>
  withPool(async (pool) => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const job = pool.submit(jobs.block, lock);
    while (lock.statistics().waiting === 0) await heddle.sleep(1);
    job.cancel();
    await rejection(job, CancelledError);
    while (lock.statistics().waiting === 1) await heddle.sleep(1);
    guard.release();
  }),
);

check('the death of a thread that has a lock is told to the next', () =>
  withPool(async (pool) => {
    const lock = new Lock();
    await rejection(pool.submit(jobs.takeAndExit, lock), ThreadDiedError);
    const error = await rejection(lock.acquire(), heddle.OwnerDiedError);
    error.guard.release();
    lock.acquireSync().release();
  }),
);

check('a Worker of a user that has a lock is terminated', async () => {
  const lock = new Lock();
  const worker = await startHolder(lock, 'stay');
  const waiting = rejection(lock.acquire(), heddle.OwnerDiedError);
  await worker.terminate();
  const error = await waiting;
  error.guard.release();
});

for (const then of ['exit', 'throw']) {
  check(`main, blocked, is told that a Worker with a lock has ended (${then})`, async () => {
    const lock = new Lock();
    await startHolder(lock, then);
    ownerDied(() => lock.acquireSync({ timeout: 20_000 }));
  });
}

check('main, blocked, is told that a Worker with a lock was terminated', async () => {
  const lock = new Lock();
  const worker = await startHolder(lock, 'stay');
  const ended = worker.terminate();
  ownerDied(() => lock.acquireSync({ timeout: 20_000 }));
  await ended;
});

check('a wait of main for a lock keeps the process alive', async () => {
  const child = await runChild('./waiting.mjs');
  equal([child.code, child.stdout], [0, 'OwnerDiedError ThreadDiedError\n'], `end (stderr ${child.stderr})`);
});

const cli = fileURLToPath(new URL('../node_modules/.bin/heddle', import.meta.url));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

check('heddle map runs a TypeScript function over the lines of stdin', async () => {
  const args = ['map', here('./work.ts'), '--threads', '2', '--input', 'ndjson'];
  const child = await runChild(cli, { args, input: '3\n4\n5\n' });
  equal([child.code, child.stdout], [0, '9\n16\n25\n'], `end (stderr ${child.stderr})`);
});

check('heddle run runs a TypeScript program', async () => {
  const child = await runChild(cli, { args: ['run', here('./program.ts'), '21'] });
  equal([child.code, child.stdout], [0, 'doubled 42\n'], `end (stderr ${child.stderr})`);
});

await runChecks();
