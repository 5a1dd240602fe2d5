import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('./blocked-main-program.ts', import.meta.url));

describe('a main thread that is blocked in acquireSync() is told of the death of the owner', () => {
  test.each([
    ['that calls process.exit()', 'exit'],
    ['that throws', 'throw'],
    ['whose work is done', 'end'],
    ['that another thread terminates', 'killed'],
    ['that was terminated just before', 'before'],
    ['that runs out of memory', 'memory'],
  ])(
    '%s',
    async (_, way) => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--conditions=heddle-source', PROGRAM, way],
        { timeout: 50_000 },
      );
      const { outcome, usable, ms } = JSON.parse(stdout) as Record<string, unknown>;
      expect({ outcome, usable }).toEqual({ outcome: 'OwnerDiedError', usable: true });
      console.log(`${way}: told after ${ms} ms`);
    },
    60_000,
  );
});
