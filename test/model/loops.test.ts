import { expect, test } from 'vitest';
import {
  call,
  explore,
  type Memory,
  ModelSignal,
  type Report,
  type Steps,
  spawn,
  step,
  wait,
} from './explorer.ts';
import { oneInside, visit } from './fixtures/mutex-model.ts';

const GATE = 'test/model/fixtures/gate.ts';

function gateModel(mutate?: {
  file: string;
  find: string;
  replace: string;
  expectFailure: true;
}): Promise<Report> {
  return explore({
    name: 'gate',
    modules: { gate: GATE },
    world: (memory: Memory, { gate }: { gate: typeof import('./fixtures/gate.ts') }) => {
      const word = memory.int32(1);
      return { word, gate: new gate.Gate(word), others: 0 };
    },
    threads: (world) => ({
      *loop() {
        yield* spawn(others());
        yield* wait(world.gate.passed());
        function* others(): Steps {
          yield* step();
          world.others++;
        }
      },
      *opener() {
        yield* call(world.gate.open());
      },
    }),
    check: ({ gate, others }) => {
      expect(gate.isOpen).toBe(true);
      expect(others).toBe(1);
    },
    ...(mutate && { mutate }),
  });
}

test('an async waiter is woken in a step of its loop, and a missed wake-up is found', async () => {
  expect((await gateModel()).exhausted).toBe(true);
  const { failure } = await gateModel({
    file: GATE,
    find: 'waitAsync(this.#word, 0, CLOSED);',
    replace: 'waitAsync(this.#word, 0, Atomics.load(this.#word, 0));',
    expectFailure: true,
  });
  expect(failure?.message).toContain('Deadlock: loop awaits a promise that nobody settles');
});

const ASYNC = 'test/model/fixtures/mutex-async.ts';

function asyncMutexModel(mutate?: {
  file: string;
  find: string;
  replace: string;
  expectFailure: true;
}): Promise<Report> {
  return explore({
    name: 'async mutex with cancellation',
    modules: { mutex: ASYNC },
    world: (memory: Memory, { mutex }: { mutex: typeof import('./fixtures/mutex-async.ts') }) => {
      const word = memory.int32(1);
      return { word, lock: new mutex.AsyncMutex(word), inside: 0 };
    },
    threads: (world) => {
      function* enter(): Steps {
        const signal = new ModelSignal() as unknown as AbortSignal;
        if (!(yield* wait(world.lock.acquire(signal)))) return;
        yield* visit(world);
        yield* call(world.lock.release());
      }
      return { a: enter, b: enter, c: enter };
    },
    invariant: oneInside,
    cancellations: 1,
    preemptionBound: 1,
    ...(mutate && { mutate }),
  });
}

test('an async waiter may be cancelled at any time, and the wake-up it no longer wants is passed on', async () => {
  const report = await asyncMutexModel();
  expect(report.exhausted).toBe(true);
  const { failure } = await asyncMutexModel({
    file: ASYNC,
    find: 'this.#abandon(waiting.value);',
    replace: '',
    expectFailure: true,
  });
  expect(failure?.message).toContain('is cancelled');
});
