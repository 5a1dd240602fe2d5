import { afterEach, expect, test, vi } from 'vitest';
import { InvalidStateError } from '../../../src/core/errors.ts';
import { run } from '../../../src/scope/run.ts';

const importing = vi.hoisted(() => ({ url: undefined as string | undefined }));
vi.mock(import('../../../src/platform/modules.ts'), async (original) => ({
  ...(await original()),
  importingModule: () => importing.url,
}));

afterEach(() => {
  importing.url = undefined;
});

test('run() in a module that a thread is importing says to guard it with isMainThread, and calls nothing', async () => {
  importing.url = 'file:///app/jobs.ts';
  const main = vi.fn();
  const error = await run(main).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InvalidStateError);
  expect((error as Error).message).toContain('file:///app/jobs.ts');
  expect((error as Error).message).toContain('if (isMainThread)');
  expect(main).not.toHaveBeenCalled();
});
