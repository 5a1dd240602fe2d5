/** Generators handed to heddle are closed before their scope ends, however it ends. */
import { describe, expect, test } from 'vitest';
import { openTimers } from '../../../src/core/clock.ts';
import { run, shield, sleep, TaskGroup, withTimeout } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { jobs } from '../executors/jobs.ts';
import { flag, raised } from '../executors/stand.ts';
import { deferred, eachThread, settled, taskOf, turns } from './places.ts';
import { work } from './work.ts';

/** Gives numbers for ever; says when it is closed. */
function* numbers(log: string[]): Generator<number> {
  try {
    for (let n = 0; ; n++) yield n;
  } finally {
    log.push('closed');
  }
}

async function* numbersLater(log: string[]): AsyncGenerator<number> {
  try {
    for (let n = 0; ; n++) yield n;
  } finally {
    await turns(3);
    log.push('closed');
  }
}

/** Its clean-up waits: for who closes it that is shielded. */
async function* numbersWithClosingWait(log: string[]): AsyncGenerator<number> {
  try {
    for (let n = 0; ; n++) yield n;
  } finally {
    await sleep(0);
    log.push('closed');
  }
}

const SOURCES = [
  ['a generator', numbers],
  ['an async generator', numbersLater],
  ['an async generator whose clean-up is a wait', numbersWithClosingWait],
] as const;

describe('The generator that a map reads is closed before its scope ends, when', () => {
  eachThread((place) => {
    for (const [name, source] of SOURCES)
      describe(`over ${name}`, () => {
        test('its loop is left by break', async () => {
          const log: string[] = [];
          await taskOf(async () => {
            for await (const n of place().executor.map(jobs.add, source(log), { args: [0] }))
              if (n === 3) break;
            log.push('left');
          });
          expect(log).toEqual(['closed', 'left']);
        });

        test('its loop is left by break in a cancelled task', async () => {
          const log: string[] = [];
          await taskOf(async (self) => {
            for await (const n of place().executor.map(jobs.add, source(log), { args: [0] })) {
              if (n < 3) continue;
              self().cancel();
              break;
            }
            log.push('left');
          });
          expect(log).toEqual(['closed', 'left']);
        });

        test('its task is cancelled while it waits for a result', async () => {
          const log: string[] = [];
          const words = flag();
          await TaskGroup.run(async (group) => {
            const task = group.spawn(async () => {
              const results = place().executor.map(work.holdFor, source(log), {
                args: [words],
                chunkSize: 1,
              });
              for await (const _ of results);
            });
            await raised(words);
            task.cancel();
            await settled(task);
            log.push(task.status);
          });
          expect(log).toEqual(['closed', 'cancelled']);
        });

        test('a job fails', async () => {
          const log: string[] = [];
          await TaskGroup.run(async (group) => {
            const task = group.spawn(async () => {
              for await (const _ of place().executor.map(work.crashAt, source(log), { args: [3] }));
            });
            await settled(task);
            log.push(task.status);
          }).catch(() => {});
          expect(log).toEqual(['closed', 'rejected']);
        });

        test('its task ends without having read it to the end', async () => {
          const log: string[] = [];
          const { task } = await taskOf(async () => {
            const results = place().executor.map(jobs.add, source(log), { args: [0] });
            await results.next();
          });
          log.push(task.status);
          expect(log).toEqual(['closed', 'fulfilled']);
        });

        test('its task fails', async () => {
          const log: string[] = [];
          const { task } = await taskOf(async () => {
            const results = place().executor.map(jobs.add, source(log), { args: [0] });
            await results.next();
            throw new Error('failed');
          });
          log.push(task.status);
          expect(log).toEqual(['closed', 'rejected']);
        });

        test('the time-out of a block strikes', async () => {
          const log: string[] = [];
          const words = flag();
          const error = await failure(
            withTimeout(50, async () => {
              const results = place().executor.map(work.holdFor, source(log), {
                args: [words],
                chunkSize: 1,
              });
              for await (const _ of results);
            }),
          );
          log.push((error as Error).name);
          expect(log).toEqual(['closed', 'TimeoutError']);
        });

        test('run() ends, whose main function has left it', async () => {
          const log: string[] = [];
          await run(async () => {
            await place()
              .executor.map(jobs.add, source(log), { args: [0] })
              .next();
          });
          log.push('run has ended');
          expect(log).toEqual(['closed', 'run has ended']);
        });
      });

    test.each([['ends'], ['fails']])('its task %s without having read mapSync() to the end', async (how) => {
      const log: string[] = [];
      const { task } = await taskOf(async () => {
        const results = place().executor.mapSync(jobs.add, numbers(log), { args: [0] });
        results.next();
        if (how === 'fails') throw new Error('failed');
      });
      log.push(task.status);
      expect(log).toEqual(['closed', how === 'fails' ? 'rejected' : 'fulfilled']);
    });

    test.each([['map'], ['mapSync']] as const)(
      'its task is cancelled before: %s() leaves nothing behind',
      async (how) => {
        const before = openTimers();
        let closed = false;
        const source: Iterable<number> = {
          [Symbol.iterator]: () => ({
            next: () => ({ done: false, value: 1 }),
            return: () => {
              closed = true;
              return { done: true, value: undefined };
            },
          }),
        };
        await taskOf(async (self) => {
          self().cancel();
          const { executor } = place();
          const options = { args: [0] as [number], timeout: 60_000 };
          if (how === 'map') executor.map(jobs.add, source, options);
          else executor.mapSync(jobs.add, source, options);
        });
        expect([closed, openTimers()]).toEqual([true, before]);
      },
    );

    test('its generator waits: the wait sees the cancellation, and the clean-up is awaited', async () => {
      const log: string[] = [];
      const waits = deferred();
      async function* waiting(): AsyncGenerator<number> {
        try {
          yield 1;
          waits.resolve();
          await sleep(Infinity);
        } finally {
          await shield(() => turns(3));
          log.push('closed');
        }
      }
      await TaskGroup.run(async (group) => {
        const task = group.spawn(async () => {
          for await (const _ of place().executor.map(jobs.add, waiting(), { args: [0] }));
        });
        await waits.promise;
        task.cancel();
        await settled(task);
        log.push(task.status);
      });
      expect(log).toEqual(['closed', 'cancelled']);
    });
  });
});
