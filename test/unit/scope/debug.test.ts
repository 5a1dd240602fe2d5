import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EventLoopThread, Lock, run, sleep, TaskGroup, ThreadPoolExecutor } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { debugJobs } from '../../fixtures/debug-jobs.ts';

interface Warning extends Error {
  readonly code: string;
  readonly detail?: string;
}

let warnings: Warning[];
beforeEach(() => {
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(warning as Warning));
});
afterEach(() => vi.restoreAllMocks());

/** Those of that task: a slow machine may be slow elsewhere too. */
function ofTask(path: string): Warning[] {
  return warnings.filter(({ message }) => message.includes(`of task "${path}"`));
}

function spin(ms: number): void {
  debugJobs.spin(ms);
}

const QUICK = { debug: { slowCallback: 20 } };

describe('run({ debug })', () => {
  test('reports what an async function did for long after an await, with its task, the place and how long', async () => {
    await run(async () => {
      await TaskGroup.run((group) => {
        group.spawn(
          async function crawler() {
            await sleep(0);
            spin(40);
          },
          { name: 'crawl' },
        );
      });
    }, QUICK);
    const [warning, ...more] = ofTask('main > crawl');
    expect(more).toEqual([]);
    expect(warning).toMatchObject({ code: 'HEDDLE_STALLED_LOOP' });
    expect(warning!.message).toMatch(
      /Loop of thread "main" was kept busy for \d+ ms by a callback of task "main > crawl"/,
    );
    expect(warning!.message).toMatch(/at crawler \(.*debug\.test\.ts:\d+:\d+\)/);
    expect(warning!.detail).toContain('debug.test.ts');
  });

  test('reports what a function did before it returned, and of tasks within tasks only the innermost', async () => {
    await run(async () => {
      await TaskGroup.run((group) => {
        group.spawn(() => spin(40), { name: 'first' });
      });
    }, QUICK);
    expect(ofTask('main > first')).toHaveLength(1);
  });

  test('reports a callback of a timer', async () => {
    await run(
      () =>
        new Promise<void>((resolve) => {
          setTimeout(() => {
            spin(40);
            resolve();
          }, 1);
        }),
      QUICK,
    );
    expect(ofTask('main').length).toBeGreaterThanOrEqual(1);
  });

  test('reports nothing that is quicker than slowCallback', async () => {
    await run(
      async () => {
        await sleep(0);
        spin(5);
      },
      { debug: { slowCallback: 10_000 } },
    );
    expect(warnings).toEqual([]);
  });

  test('ends with the run, and nothing is reported without it', async () => {
    await run(() => {}, QUICK);
    await run(async () => {
      await sleep(0);
      spin(40);
    });
    expect(warnings).toEqual([]);
  });

  test('reports a Sync wait of more than 100 ms with its place, and not as a callback as well', async () => {
    const pool = new ThreadPoolExecutor({ threads: 1 });
    const lock = new Lock({ name: 'cache' });
    await pool.submit(debugJobs.spin, 0);
    await run(
      async () => {
        const held = pool.submit(debugJobs.hold, lock, 150);
        while (!lock.locked) await new Promise(setImmediate);
        lock.acquireSync().release();
        await held;
      },
      { debug: true },
    );
    const blocked = warnings.filter(({ message }) => message.includes('by a Sync wait of task "main"'));
    expect(blocked).toHaveLength(1);
    expect(blocked[0]!.message).toMatch(
      /was blocked for \d+ ms by a Sync wait of task "main", at .*debug\.test\.ts/,
    );
    // A slow machine may be slow elsewhere too.
    const msOf = ({ message }: Warning): number => Number(/ (\d+) ms /.exec(message)![1]);
    const busy = warnings.filter(({ message }) => message.includes('kept busy')).map(msOf);
    for (const ms of busy) expect(ms).toBeLessThan(msOf(blocked[0]!));
    await pool.shutdown();
  });

  test('refuses what is no setting', async () => {
    expect(await failure(run(() => {}, { debug: { slowCallback: -1 } }))).toBeInstanceOf(RangeError);
    expect(await failure(run(() => {}, { debug: 'yes' as never }))).toBeInstanceOf(TypeError);
  });
});

describe('EventLoopThread.start({ debug })', () => {
  test('reports what stalls that loop, by the name of its thread and of the job', async () => {
    const loop = await EventLoopThread.start({ name: 'helper', ...QUICK });
    await loop.submit(debugJobs.catchWarnings);
    await loop.submit(debugJobs.spin, 40);
    const told = await loop.submit(debugJobs.warnings);
    expect(told.join('\n')).toMatch(
      /Loop of thread "helper" was kept busy for \d+ ms by a callback of task "spin"/,
    );
    await loop.stop();
  });

  test('reports nothing without it', async () => {
    const loop = await EventLoopThread.start();
    await loop.submit(debugJobs.catchWarnings);
    await loop.submit(debugJobs.spin, 150);
    expect(await loop.submit(debugJobs.warnings)).toEqual([]);
    await loop.stop();
  });
});
