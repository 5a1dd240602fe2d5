import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as nodeSleep } from 'node:timers/promises';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  CancelledError,
  HeddleError,
  InvalidStateError,
  TaskGroupError,
  TimeoutError,
} from '../../../src/core/errors.ts';
import { shield } from '../../../src/scope/shield.ts';
import { sleep } from '../../../src/scope/sleep.ts';
import type { Task } from '../../../src/scope/task.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { withTimeout } from '../../../src/scope/with-timeout.ts';

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const forever = (): Promise<void> => sleep(Infinity);

async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It should have rejected');
}

async function groupFailure(promise: PromiseLike<unknown>): Promise<TaskGroupError> {
  const error = await failure(promise);
  expect(error).toBeInstanceOf(TaskGroupError);
  return error as TaskGroupError;
}

describe('TaskGroup.run()', () => {
  test('resolves to the value of the body once all tasks have ended', async () => {
    const ended: string[] = [];
    const value = await TaskGroup.run((group) => {
      group.spawn(async () => {
        await sleep(1);
        ended.push('task');
      });
      return 'body';
    });
    expect(value).toBe('body');
    expect(ended).toEqual(['task']);
  });

  test('waits for tasks that tasks have added', async () => {
    const ended: number[] = [];
    await TaskGroup.run((group) => {
      const add = async (depth: number): Promise<void> => {
        await macrotask();
        if (depth > 0) group.spawn(() => add(depth - 1));
        ended.push(depth);
      };
      group.spawn(() => add(3));
    });
    expect(ended).toEqual([3, 2, 1, 0]);
  });

  test('cancels the siblings and the body when a task fails', async () => {
    const failed = new Error('first');
    const seen: unknown[] = [];
    const watch = async (): Promise<void> => {
      try {
        await forever();
      } catch (error) {
        seen.push(error);
        throw error;
      }
    };
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        group.spawn(watch);
        group.spawn(() => {
          throw failed;
        });
        await watch();
      }),
    );
    expect(error.errors).toEqual([failed]);
    expect(error.cause).toBe(failed);
    expect(error).toBeInstanceOf(HeddleError);
    expect(error).toBeInstanceOf(AggregateError);
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBe(seen[1]);
    expect(seen[0]).toBeInstanceOf(CancelledError);
    expect((seen[0] as CancelledError).cause).toBe(failed);
  });

  test('treats a throwing body as a failure like any other', async () => {
    let cancelled = false;
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        group.spawn(async () => {
          try {
            await forever();
          } finally {
            cancelled = true;
          }
        });
        await macrotask();
        throw new RangeError('body');
      }),
    );
    expect(error.find(RangeError)?.message).toBe('body');
    expect(cancelled).toBe(true);
  });

  test('treats a body that throws before any wait as a failure too', async () => {
    const error = await groupFailure(
      TaskGroup.run(() => {
        throw new RangeError('at once');
      }),
    );
    expect(error.errors).toHaveLength(1);
  });

  test('reports errors in order of failure, each object once, and no cancellations', async () => {
    const first = new Error('first');
    const second = new Error('second');
    const error = await groupFailure(
      TaskGroup.run((group) => {
        const failing = group.spawn(async () => {
          await macrotask();
          throw first;
        });
        group.spawn(async () => await failing);
        group.spawn(forever);
        group.spawn(async () => {
          try {
            await forever();
          } finally {
            // biome-ignore lint/correctness/noUnsafeFinally: a crash in clean-up is what is tested
            throw second;
          }
        });
      }),
    );
    expect(error.errors).toEqual([first, second]);
  });

  test('counts an error that has the cancellation in its chain of causes as the cancellation', async () => {
    const failed = new Error('failed');
    const error = await groupFailure(
      TaskGroup.run((group) => {
        group.spawn(() => nodeSleep(60_000, undefined, { signal: group.signal }));
        group.spawn((signal) => nodeSleep(60_000, undefined, { signal }));
        group.spawn(async () => {
          try {
            await forever();
          } catch (cause) {
            throw new Error('wrapped', { cause });
          }
        });
        group.spawn(() => Promise.reject(failed));
      }),
    );
    expect(error.errors).toEqual([failed]);
  });

  test('does not count a child that was cancelled by itself as a failure', async () => {
    const value = await TaskGroup.run(async (group) => {
      const task = group.spawn(forever);
      await macrotask();
      expect(task.cancel('enough')).toBe(true);
      expect(await failure(task)).toMatchObject({ cause: 'enough' });
      expect(task.status).toBe('cancelled');
      return 1;
    });
    expect(value).toBe(1);
  });

  test('cancelled from outside, cancels and awaits its tasks and passes the same CancelledError on', async () => {
    const log: string[] = [];
    let inner: unknown;
    await TaskGroup.run(async (outer) => {
      const task = outer.spawn(async () => {
        try {
          await TaskGroup.run((group) => {
            group.spawn(async () => {
              try {
                await forever();
              } finally {
                await shield(macrotask);
                log.push('child ended');
              }
            });
          });
        } catch (error) {
          log.push('group ended');
          inner = error;
          throw error;
        }
      });
      await macrotask();
      task.cancel('outside');
      const error = await failure(task);
      expect(error).toBeInstanceOf(CancelledError);
      expect(error).toBe(inner);
      expect((error as CancelledError).cause).toBe('outside');
      expect(task.status).toBe('cancelled');
    });
    expect(log).toEqual(['child ended', 'group ended']);
  });

  test('outer cancellation and inner failure together: no failure is lost', async () => {
    const inner = new Error('inner');
    const error = await groupFailure(
      TaskGroup.run((outer) => {
        outer.spawn(() =>
          TaskGroup.run((group) => {
            group.spawn(async () => {
              await macrotask();
              throw inner;
            });
            group.spawn(forever);
          }),
        );
        outer.spawn(async () => {
          await macrotask();
          throw new Error('outer');
        });
      }),
    );
    expect(error.errors).toHaveLength(2);
    expect(error.errors.some((one) => one instanceof TaskGroupError && one.errors[0] === inner)).toBe(true);
  });

  test('nested groups that are both cancelled both end', async () => {
    let ended = 0;
    const result = await TaskGroup.run(async (outer) => {
      outer.spawn(async () => {
        await TaskGroup.run(async (inner) => {
          inner.spawn(forever);
          inner.spawn(forever);
          await macrotask();
          outer.cancel('outer');
          inner.cancel('inner');
          await forever();
        }).finally(() => ended++);
      });
      await forever();
    });
    expect(result).toBeUndefined();
    expect(ended).toBe(1);
  });

  test('an inner group cancelled first and then the outer one: the outer cancellation goes on up', async () => {
    await TaskGroup.run(async (outer) => {
      const task = outer.spawn(() =>
        TaskGroup.run(async (inner) => {
          inner.spawn(forever);
          inner.cancel('inner');
          task.cancel('outer');
          await forever();
        }),
      );
      await failure(task);
      expect(task.status).toBe('cancelled');
    });
  });

  test('rejects at once in a cancelled task, without calling the body', async () => {
    let called = false;
    await TaskGroup.run((group) => {
      group.spawn(async () => {
        group.cancel();
        await TaskGroup.run(() => {
          called = true;
        });
      });
    });
    expect(called).toBe(false);
  });

  test('waits for blocks that its body began and did not await', async () => {
    let ended = false;
    await TaskGroup.run(() => {
      void TaskGroup.run(async () => {
        await sleep(1);
        ended = true;
      });
    });
    expect(ended).toBe(true);
  });

  test('with a timeout cancels and awaits its tasks, then rejects with TimeoutError', async () => {
    let ended = false;
    const error = await failure(
      TaskGroup.run(
        (group) => {
          group.spawn(() => forever().finally(() => (ended = true)));
        },
        { timeout: 1 },
      ),
    );
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toContain('1 of 1 tasks unfinished');
    expect(ended).toBe(true);
  });

  test('with a timeout of 0 gives what the body returns without waiting', async () => {
    expect(await TaskGroup.run(() => 1, { timeout: 0 })).toBe(1);
    expect(await TaskGroup.run(async () => 2, { timeout: 0 })).toBe(2);
    expect(await failure(TaskGroup.run(() => sleep(0), { timeout: 0 }))).toBeInstanceOf(TimeoutError);
  });

  test('with a signal rejects with its reason, at once if it is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('reason');
    const running = TaskGroup.run((group) => void group.spawn(forever), { signal: controller.signal });
    controller.abort(reason);
    expect(await failure(running)).toBe(reason);
    let called = false;
    const late = TaskGroup.run(() => (called = true), { signal: controller.signal });
    expect(await failure(late)).toBe(reason);
    expect(called).toBe(false);
  });

  test('an outer time-out never shows up as an inner TimeoutError', async () => {
    const seen: unknown[] = [];
    const error = await failure(
      withTimeout(1, () =>
        withTimeout(60_000, () =>
          TaskGroup.run(forever, { timeout: 60_000 }).catch((inner) => {
            seen.push(inner);
            throw inner;
          }),
        ).catch((inner) => {
          seen.push(inner);
          throw inner;
        }),
      ),
    );
    expect(error).toBeInstanceOf(TimeoutError);
    expect(seen).toHaveLength(2);
    for (const one of seen) expect(one).toBeInstanceOf(CancelledError);
  });

  test('refuses wrong arguments by rejecting', async () => {
    const run = TaskGroup.run as (...args: unknown[]) => Promise<unknown>;
    expect(await failure(run('no'))).toBeInstanceOf(TypeError);
    expect(await failure(run(() => {}, { limit: 0 }))).toBeInstanceOf(RangeError);
    expect(await failure(run(() => {}, { timeout: -1 }))).toBeInstanceOf(RangeError);
    expect(await failure(run(() => {}, { timeout: NaN }))).toBeInstanceOf(RangeError);
    expect(await failure(run(() => {}, { onFailure: 'ignore' }))).toBeInstanceOf(TypeError);
    expect(await failure(run(() => {}, { signal: {} }))).toBeInstanceOf(TypeError);
  });

  test('infers the types of body and tasks', () => {
    expectTypeOf(TaskGroup.run((group) => group.spawn(async () => 1))).toEqualTypeOf<Promise<number>>();
    expectTypeOf(TaskGroup.run(async () => 'x')).toEqualTypeOf<Promise<string>>();
    void TaskGroup.run((group) => {
      expectTypeOf(group.spawn(() => 'x')).toEqualTypeOf<Task<string>>();
      expectTypeOf(group.spawn(async (signal) => signal)).toEqualTypeOf<Task<AbortSignal>>();
    });
  });
});

describe("TaskGroup with onFailure: 'collect'", () => {
  test('lets siblings and body finish and rejects with all errors', async () => {
    const log: string[] = [];
    const error = await groupFailure(
      TaskGroup.run(
        async (group) => {
          group.spawn(() => Promise.reject(new Error('a')));
          group.spawn(async () => {
            await sleep(2);
            log.push('finished');
            throw new Error('b');
          });
          await sleep(1);
          log.push('body');
          throw new Error('body');
        },
        { onFailure: 'collect' },
      ),
    );
    expect(log).toEqual(['body', 'finished']);
    expect(error.errors.map((one) => (one as Error).message)).toEqual(['a', 'body', 'b']);
  });
});

describe('TaskGroup.spawn()', () => {
  test('never calls the function itself, but before the next macrotask', async () => {
    await TaskGroup.run(async (group) => {
      let called = false;
      group.spawn(() => (called = true));
      expect(called).toBe(false);
      await macrotask();
      expect(called).toBe(true);
    });
  });

  test('never calls the function of a task that is cancelled before its first step', async () => {
    let called = false;
    await TaskGroup.run((group) => {
      const task = group.spawn(() => (called = true));
      task.cancel();
      expect(task.status).toBe('cancelled');
      expect(task.cancel()).toBe(false);
    });
    expect(called).toBe(false);
  });

  test('on a cancelled group returns a task that is cancelled already', async () => {
    let called = false;
    await TaskGroup.run((group) => {
      group.cancel('over');
      const task = group.spawn(() => (called = true));
      expect(task.status).toBe('cancelled');
      expect(group.tasks.size).toBe(0);
    });
    expect(called).toBe(false);
  });

  test('on an ended group throws InvalidStateError', async () => {
    const group = await TaskGroup.run((one) => one);
    expect(() => group.spawn(forever)).toThrow(InvalidStateError);
  });

  test('names a task after its function, or as told', async () => {
    await TaskGroup.run((group) => {
      expect(group.spawn(function download() {}).name).toBe('download');
      expect(group.spawn(() => {}, { name: 'mine' }).name).toBe('mine');
    });
  });

  test.each([[undefined], [1], [2]])(
    'calls the function in the asynchronous context of its spawn (limit %s)',
    async (limit) => {
      const storage = new AsyncLocalStorage<number>();
      const found = await TaskGroup.run(
        async (group) => {
          const look = async (): Promise<number | undefined> => {
            await sleep(0);
            return storage.getStore();
          };
          return await Promise.all([1, 2, 3].map((n) => storage.run(n, () => group.spawn(look))));
        },
        limit === undefined ? {} : { limit },
      );
      expect(found).toEqual([1, 2, 3]);
    },
  );

  test('with a limit runs no more at once, in the order of spawn', async () => {
    let running = 0;
    let most = 0;
    const order: number[] = [];
    await TaskGroup.run(
      (group) => {
        for (let i = 0; i < 7; i++)
          group.spawn(async () => {
            order.push(i);
            most = Math.max(most, ++running);
            await macrotask();
            running--;
          });
      },
      { limit: 2 },
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('with a limit skips tasks that were cancelled while queued, and goes on after cancelled ones', async () => {
    const ran: string[] = [];
    await TaskGroup.run(
      (group) => {
        const first = group.spawn(forever);
        const second = group.spawn(() => void ran.push('second'));
        group.spawn(() => void ran.push('third'));
        second.cancel();
        first.cancel();
      },
      { limit: 1 },
    );
    expect(ran).toEqual(['third']);
  });

  test('with a limit never begins what is queued when the group fails', async () => {
    let called = false;
    await groupFailure(
      TaskGroup.run(
        (group) => {
          group.spawn(() => Promise.reject(new Error('x')));
          group.spawn(() => (called = true));
        },
        { limit: 1 },
      ),
    );
    expect(called).toBe(false);
  });

  test('keeps unfinished tasks only in `tasks`', async () => {
    await TaskGroup.run(async (group) => {
      const short = group.spawn(() => {});
      const long = group.spawn(forever);
      expect([...group.tasks]).toEqual([short, long]);
      await short;
      expect([...group.tasks]).toEqual([long]);
      long.cancel();
    });
  });
});

describe('TaskGroup.cancel()', () => {
  test('ends the group without an error; the body that was cut off gives undefined', async () => {
    const value = await TaskGroup.run(async (group) => {
      group.spawn(forever);
      group.cancel('a');
      group.cancel('b');
      await forever();
      return 'never';
    });
    expect(value).toBeUndefined();
  });

  test('keeps the value of a body that was not cut off', async () => {
    const value = await TaskGroup.run((group) => {
      group.spawn(forever);
      group.cancel();
      return 'value';
    });
    expect(value).toBe('value');
  });

  test('does not hide an error raised while being cancelled', async () => {
    const error = await groupFailure(
      TaskGroup.run((group) => {
        group.spawn(async () => {
          try {
            await forever();
          } catch {
            throw new RangeError('while cancelled');
          }
        });
        queueMicrotask(() => queueMicrotask(() => group.cancel()));
      }),
    );
    expect(error.find(RangeError)?.message).toBe('while cancelled');
  });

  test('aborts `signal` with the CancelledError that the tasks see', async () => {
    await TaskGroup.run(async (group) => {
      const task = group.spawn(forever);
      const { signal } = group;
      await macrotask();
      group.cancel('why');
      expect(signal.aborted).toBe(true);
      expect(await shield(() => failure(task))).toBe(signal.reason);
      expect(signal.reason.cause).toBe('why');
    });
  });
});
