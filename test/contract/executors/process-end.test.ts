/** The end of the process while there is work: clean-up finishes, nothing holds it up, Ctrl-C ends it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Ended, program } from '../../docs/program.ts';

const PROGRAM_LIMIT = 15_000;

describe('the end of the process', () => {
  const PROGRAM = join(import.meta.dirname, 'end-program.ts');

  async function end(
    scenario: string,
    signal?: NodeJS.Signals,
    when = 'half',
  ): Promise<Ended & { readonly file: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'heddle-end-'));
    try {
      let timer: NodeJS.Timeout | undefined;
      const ended = await program([PROGRAM, scenario, folder], {
        timeout: PROGRAM_LIMIT - 2_000,
        onOutput: (out, kill) => {
          // Again until it has ended: the first may come before it is blocked.
          if (signal !== undefined && timer === undefined && out.includes(when))
            timer = setInterval(() => kill(signal), when === 'half' ? 60_000 : 200);
          if (timer !== undefined && when === 'half') kill(signal!);
        },
      });
      clearInterval(timer);
      const file = await readFile(join(folder, `${scenario}.txt`), 'utf8').catch(() => '');
      return { ...ended, file };
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test('by a signal with a job running: its clean-up finishes, no half-written file', {
    timeout: PROGRAM_LIMIT,
  }, async () => {
    const { code, signal, file, err } = await end('signal', 'SIGTERM');
    expect({ code, signal, file, err }).toEqual({
      code: 143,
      signal: null,
      file: 'first half, second half',
      err: '',
    });
  });

  test('by the end of main with a job running: its clean-up finishes', {
    timeout: PROGRAM_LIMIT,
  }, async () => {
    const { code, file } = await end('leave');
    expect({ code, file }).toEqual({ code: 0, file: 'first half, second half' });
  });

  test('waits for a job that the main loop submitted', { timeout: PROGRAM_LIMIT }, async () => {
    const { code, out } = await end('pending');
    expect({ code, out }).toEqual({ code: 0, out: 'settled\n' });
  });

  test('does not wait for idle pools', { timeout: PROGRAM_LIMIT }, async () => {
    const { code, out } = await end('idle');
    expect({ code, out }).toEqual({ code: 0, out: '2\n' });
  });

  test('by process.exit() with a job that spins', { timeout: PROGRAM_LIMIT }, async () => {
    expect((await end('exit')).code).toBe(7);
  });

  test.each([['blockedEvent'], ['blockedJob'], ['blockedResult']])(
    'by Ctrl-C while main is blocked: %s',
    { timeout: PROGRAM_LIMIT },
    async (scenario) => {
      const { code, signal } = await end(scenario, 'SIGINT', 'blocked');
      expect({ code, signal }).toEqual({ code: null, signal: 'SIGINT' });
    },
  );

  test('with a future that nothing can settle any more: code 13, and a report', {
    timeout: PROGRAM_LIMIT,
  }, async () => {
    const { code, err } = await end('unsettled');
    expect(code).toBe(13);
    expect(err).toContain('HEDDLE_UNSETTLED_FUTURE');
    expect(err).toMatch(/nobody has settled a future made at .*end-program\.ts:\d+/);
  });
});
