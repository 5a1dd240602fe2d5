/** Where the tests of values that are more than data run their jobs. */
import { afterAll, beforeAll, describe } from 'vitest';
import {
  EventLoopThread,
  type Executor,
  InlineExecutor,
  type OwnedExecutor,
  ThreadPoolExecutor,
} from '../../../src/index.ts';

const PLACES: readonly (readonly [
  name: string,
  start: () => Promise<readonly [Executor, () => Promise<void>]>,
])[] = [
  ['a pool thread', async () => owned(new ThreadPoolExecutor({ threads: 2 }))],
  [
    'an event loop thread',
    async () => {
      const loop = await EventLoopThread.start();
      return [loop, () => loop.stop()];
    },
  ],
];

function owned(executor: OwnedExecutor): readonly [Executor, () => Promise<void>] {
  return [executor, () => executor.shutdown()];
}

/** Defines the tests once for each place. */
export function eachPlace(
  define: (the: () => Executor) => void,
  options?: { readonly inline?: boolean },
): void {
  const inline = [
    'this loop, by the rules of threads',
    async () => owned(new InlineExecutor({ strict: true })),
  ] as const;
  for (const [name, start] of options?.inline === false ? PLACES : [...PLACES, inline]) {
    describe(`in ${name}`, () => {
      let executor: Executor;
      let end: () => Promise<void>;
      beforeAll(async () => {
        [executor, end] = await start();
      });
      afterAll(() => end());
      define(() => executor);
    });
  }
}
