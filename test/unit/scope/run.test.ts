import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { InvalidStateError } from '../../../src/core/errors.ts';
import { currentTask } from '../../../src/scope/current-task.ts';
import { adopt, type Joinable, Runner, run } from '../../../src/scope/run.ts';
import { shield } from '../../../src/scope/shield.ts';
import { sleep } from '../../../src/scope/sleep.ts';
import { startTask } from '../../../src/scope/task.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { Lock } from '../../../src/sync/lock.ts';

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It should have rejected');
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string[];
  readonly err: string;
}

/** Runs a program of the fixture; `act` is called whenever it has printed a line. */
async function program(name: string, act?: (line: string, child: ChildProcess) => void): Promise<Ended> {
  const file = fileURLToPath(new URL('./fixtures/run-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=heddle-source', file, name], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const out: string[] = [];
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n').filter((one) => one !== '')) {
      out.push(line);
      act?.(line, child);
    }
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, out, err };
}

const killWhenReady =
  (signal: NodeJS.Signals) =>
  (line: string, child: ChildProcess): void => {
    if (line === 'ready') child.kill(signal);
  };

describe('run()', () => {
  test('runs main as the root task and resolves to its value', async () => {
    const value = await run(async (signal) => {
      expect(currentTask()?.name).toBe('main');
      expect(signal).toBe(currentTask()?.signal);
      await sleep(0);
      return currentTask()?.status;
    });
    expect(value).toBe('pending');
    expect(currentTask()).toBeUndefined();
    expectTypeOf(run(async () => 1)).toEqualTypeOf<Promise<number>>();
  });

  test('rejects with the error of main itself', async () => {
    const error = new Error('x');
    expect(await failure(run(() => Promise.reject(error)))).toBe(error);
    expect(
      await failure(
        run(() => {
          throw error;
        }),
      ),
    ).toBe(error);
  });

  test('cancels and awaits what main left running', async () => {
    const log: string[] = [];
    await run(async () => {
      void TaskGroup.run((group) => {
        group.spawn(async () => {
          await sleep(Infinity).catch(() => log.push('cancelled'));
          await macrotask();
          log.push('ended');
        });
      });
      await macrotask();
    });
    expect(log).toEqual(['cancelled', 'ended']);
  });

  test('rejects with InvalidStateError while another is under way, inside or beside it', async () => {
    let release!: () => void;
    const first = run(() => new Promise<void>((resolve) => (release = resolve)));
    expect(await failure(run(() => {}))).toBeInstanceOf(InvalidStateError);
    release();
    await first;
    expect(await failure(run(() => run(() => {})))).toBeInstanceOf(InvalidStateError);
    expect(await run(() => 1)).toBe(1);
  });

  test('refuses wrong arguments by rejecting', async () => {
    const untyped = run as (...args: unknown[]) => Promise<unknown>;
    expect(await failure(untyped(5))).toBeInstanceOf(TypeError);
    expect(await failure(untyped(() => {}, { signals: ['SIGNOTHING'] }))).toBeInstanceOf(TypeError);
    expect(await failure(untyped(() => {}, { shutdownTimeout: -1 }))).toBeInstanceOf(RangeError);
    expect(await failure(untyped(() => {}, 5))).toBeInstanceOf(TypeError);
  });

  test('leaves no signal listener behind', async () => {
    const before = process.listenerCount('SIGINT');
    await run(() => expect(process.listenerCount('SIGINT')).toBe(before + 1));
    expect(process.listenerCount('SIGINT')).toBe(before);
  });

  test('reports an error that nobody awaited when it ends, once, with the name of the task', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      await run(async () => {
        const root = currentTask();
        expect(root).toBeDefined();
        const { currentScope } = await import('../../../src/scope/scope.ts');
        startTask(() => Promise.reject(new Error('lost')), { name: 'lonely', parent: currentScope()! });
        await macrotask();
        expect(emitted).not.toHaveBeenCalled();
      });
      expect(emitted).toHaveBeenCalledTimes(1);
      expect(emitted.mock.calls[0]![0]).toMatchObject({
        code: 'HEDDLE_UNAWAITED_ERROR',
        message: expect.stringContaining('task "main > lonely"'),
      });
    } finally {
      emitted.mockRestore();
    }
  });

  test('past shutdownTimeout names the tasks that it waits for, and where these wait', async () => {
    const lock = new Lock({ name: 'cache' });
    const guard = lock.acquireSync();
    const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => guard.release());
    try {
      await run(
        async () => {
          void TaskGroup.run((group) => {
            group.spawn(
              () =>
                TaskGroup.run((inner) => {
                  const save = (): Promise<void> => shield(async () => (await lock.acquire()).release());
                  inner.spawn(save, { name: 'save #3' });
                }),
              { name: 'crawl' },
            );
          });
          await macrotask();
        },
        { shutdownTimeout: 1 },
      );
      expect(emitted).toHaveBeenCalledTimes(1);
      expect(emitted.mock.calls[0]![0]).toMatchObject({
        code: 'HEDDLE_SHUTDOWN_TIMEOUT',
        message: expect.stringContaining('"main > crawl > save #3" (waiting to acquire lock "cache")'),
      });
    } finally {
      emitted.mockRestore();
    }
  });
});

describe('resources adopted by run()', () => {
  function resource(shutdown: () => Promise<void>): Joinable & { log: string[] } {
    const log: string[] = [];
    return {
      log,
      shutdown: (options) => {
        log.push(`shutdown ${JSON.stringify(options)}`);
        return shutdown();
      },
      terminate: async () => void log.push('terminate'),
      describe: () => 'pool "images"',
    };
  }

  test('are shut down at its end, running work cancelled', async () => {
    const one = resource(async () => {});
    const released = resource(async () => {});
    await run(async () => {
      adopt(one);
      adopt(released)();
    });
    expect(one.log).toEqual(['shutdown {"cancelRunning":true}']);
    expect(released.log).toEqual([]);
  });

  test('are shut down after a failure too, and never outside a run', async () => {
    const one = resource(async () => {});
    adopt(one)();
    await failure(
      run(async () => {
        await TaskGroup.run((group) => {
          group.spawn(() => {
            adopt(one);
            throw new Error('x');
          });
        });
      }),
    );
    expect(one.log).toHaveLength(1);
  });

  test('are terminated after shutdownTimeout, with a report that names them', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const one = resource(() => new Promise(() => {}));
      await run(() => void adopt(one), { shutdownTimeout: 1 });
      expect(one.log).toEqual(['shutdown {"cancelRunning":true}', 'terminate']);
      expect(emitted.mock.calls[0]![0]).toMatchObject({
        code: 'HEDDLE_SHUTDOWN_TIMEOUT',
        message: expect.stringContaining('pool "images"'),
      });
    } finally {
      emitted.mockRestore();
    }
  });

  test('of a Runner live until close()', async () => {
    const one = resource(async () => {});
    const runner = new Runner();
    expect(await runner.run(() => typeof adopt(one))).toBe('function');
    expect(await runner.run(() => 2)).toBe(2);
    expect(one.log).toEqual([]);
    await runner.close();
    await runner.close();
    expect(one.log).toHaveLength(1);
    expect(await failure(runner.run(() => 3))).toBeInstanceOf(InvalidStateError);
  });
});

describe.skipIf(process.platform === 'win32')('a signal during run()', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s cancels main, and uncaught ends the process with 128 + its number and no stack',
    async (signal) => {
      const ended = await program('uncaught', killWhenReady(signal));
      expect(ended).toEqual({
        code: 128 + constants.signals[signal],
        signal: null,
        out: ['ready', 'cleaned up'],
        err: '',
      });
    },
  );

  test('makes it reject with CancelledError, whose cause names the signal', async () => {
    const ended = await program('caught', killWhenReady('SIGTERM'));
    expect(ended).toMatchObject({ code: 0, out: ['ready', 'CancelledError SIGTERM'], err: '' });
  });

  test('leaves the value of main that returned one', async () => {
    const ended = await program('value', killWhenReady('SIGINT'));
    expect(ended).toMatchObject({ code: 0, out: ['ready', 'value'], err: '' });
  });

  test('a second one exits at once with 128 + its number', async () => {
    const ended = await program('stubborn', (line, child) => {
      if (line === 'ready') child.kill('SIGINT');
      if (line === 'cancelled') child.kill('SIGTERM');
    });
    expect(ended).toMatchObject({ code: 143, err: '' });
  });

  test('leaves handlers of uncaught errors their say', async () => {
    const ended = await program('handler', killWhenReady('SIGINT'));
    expect(ended).toMatchObject({ code: 7, out: ['ready', 'handler CancelledError'] });
  });

  test('does not hide an error of the clean-up', async () => {
    const ended = await program('crash', killWhenReady('SIGINT'));
    expect(ended.code).toBe(1);
    expect(ended.err).toContain('crash in clean-up');
  });

  test('that untilSignal() waits for does not cancel', async () => {
    const ended = await program('untilSignal', killWhenReady('SIGTERM'));
    expect(ended).toMatchObject({ code: 0, out: ['ready', 'SIGTERM'], err: '' });
  });

  test('counts only if it is one of `signals`', async () => {
    const asked = await program('custom', killWhenReady('SIGUSR2'));
    expect(asked.code).toBe(128 + constants.signals.SIGUSR2);
    const other = await program('custom', killWhenReady('SIGTERM'));
    expect(other.signal).toBe('SIGTERM');
  });

  test('with cleanupTimeout waits no longer for shielded clean-up, and reports what is left', async () => {
    const ended = await program('cleanupTimeout', killWhenReady('SIGINT'));
    expect(ended).toMatchObject({ code: 0, out: ['ready', 'CancelledError'] });
    expect(ended.err).toContain('HEDDLE_SHUTDOWN_TIMEOUT');
  });
});

describe('the process', () => {
  test('ends although main left timers and groups behind', async () => {
    expect(await program('leftovers')).toEqual({ code: 0, signal: null, out: ['done'], err: '' });
  });

  test('reports an error that nobody awaited before it ends', async () => {
    const ended = await program('unawaited');
    expect(ended.code).toBe(0);
    expect(ended.err.match(/HEDDLE_UNAWAITED_ERROR/g)).toHaveLength(1);
    expect(ended.err).toContain('task "lonely"');
    expect(ended.err).toContain('RangeError: lost');
  });
});
