import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { outsideContext } from '../../../src/platform/no-context.ts';
import { runProgram } from './program.ts';

test('outsideContext() hides every store from the function and from what it starts, and gives its result', async () => {
  const [first, second] = [new AsyncLocalStorage<string>(), new AsyncLocalStorage<string>()];
  const stores = (): unknown[] => [first.getStore(), second.getStore()];
  await first.run('a', () =>
    second.run('b', async () => {
      const [now, later] = outsideContext((n: number) => [stores(), Promise.resolve(n).then(stores)], 1);
      expect(now).toEqual([undefined, undefined]);
      expect(await later).toEqual([undefined, undefined]);
      expect(stores()).toEqual(['a', 'b']);
    }),
  );
});

test('outsideContext() is outside also if it was imported within a context', async () => {
  const { out } = await runProgram(`
    import { AsyncLocalStorage } from 'node:async_hooks';
    const context = new AsyncLocalStorage();
    await context.run('importer', async () => {
      const { outsideContext } = await import('./no-context.ts');
      console.log(context.getStore(), outsideContext(() => context.getStore()));
    });
  `);
  expect(out).toBe('importer undefined\n');
});
