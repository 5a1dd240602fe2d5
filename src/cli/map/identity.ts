/** What a command is, for its journal: everything that decides its output, and nothing else. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Inputs } from './inputs.ts';
import type { CommandIdentity } from './journal.ts';
import type { MapPlan } from './plan.ts';
import type { ExportName, Work } from './prepare.ts';

/** The names are those that a person reads when two commands differ. */
export async function identityOf(plan: MapPlan, work: Work, inputs: Inputs): Promise<CommandIdentity> {
  const fn = 'expression' in work.fn ? undefined : work.fn;
  return {
    module: plan.module,
    'content of the module': await contentHash(fn),
    '--export': plan.exportName,
    '-e': plan.expression,
    '--init': plan.init === undefined ? undefined : `${plan.init.module}#${plan.init.name}`,
    'content of the --init module': await contentHash(work.init),
    '--arg': JSON.stringify(plan.constants),
    '--input': inputs.kind,
    inputs: listed(inputs.identity),
    '-0': inputs.separator === 0,
    '--format': work.format,
    '--output': plan.output,
    '--output-dir': plan.outputDir,
    '--ext': plan.ext,
    '--on-error': plan.onError,
    '--unordered': !plan.ordered,
  };
}

async function contentHash(name: ExportName | undefined): Promise<string | undefined> {
  if (name === undefined || !name.url.startsWith('file:')) return undefined;
  return hash(await readFile(fileURLToPath(name.url)));
}

/** A list short enough to be read is kept as it is. */
function listed(inputs: unknown): string {
  if (!Array.isArray(inputs)) return String(inputs);
  const text = inputs.join(' ');
  return text.length <= 200 ? text : `${inputs.length} files (${hash(text)})`;
}

function hash(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 16);
}
