import { join } from 'node:path';
import { type Ended, type ProgramOptions, program } from '../../docs/program.ts';

const platform = join(import.meta.dirname, '../../../src/platform');

/** Runs source text as a program of its own, in the folder `src/platform`. One that hangs is killed. */
export function runProgram(source: string, onOutput?: ProgramOptions['onOutput']): Promise<Ended> {
  const flags = ['--expose-gc', '--input-type=module-typescript', '--eval', source];
  return program(flags, { cwd: platform, timeout: 15_000, ...(onOutput && { onOutput }) });
}
