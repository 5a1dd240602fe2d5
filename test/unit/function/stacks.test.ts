/** Stacks of functions that ran in a thread, in programs as their users run them. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const library = pathToFileURL(join(root, 'src/index.ts')).href;
const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'heddle-stacks-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Each function throws where `/*!` stands. */
const program = `import { capture, isMainThread, portable, ThreadPoolExecutor } from '${library}';

interface Part {
  readonly name: string;
}

export function exported(part: Part): never {
  /*!*/ throw new Error(String(isMainThread) + part.name);
}

const functions: Record<string, (part: Part) => unknown> = {
  exported,
  portable: portable(import.meta, function marked(part: Part): never {
    /*!*/ throw new Error(String(isMainThread) + part.name);
  }),
  arrow: (part: Part) => {
    const size: number = 3;
    if (size > part.name.length) return size;
    /*!*/ throw new Error('arrow');
  },
  async later(part: Part): Promise<never> {
    await Promise.resolve();
    /*!*/ throw new Error(part.name);
  },
  named: function named(part: Part) {
    const inner = (other: Part): never => {
      /*!*/ throw new Error(other.name);
    };
    return inner(part);
  },
  imports: async (part: Part) => { const { join } = await import('node:path'); /*!*/ throw new Error(join(part.name)); },
  captured: capture({ factor: 2 }, ({ factor }, part: Part) => {
    /*!*/ throw new Error(part.name.repeat(factor));
  }),
  caused: (part: Part) => {
    const inner = (): never => {
      /*!*/ throw new Error(part.name);
    };
    try {
      inner();
    } catch (cause) {
      throw new Error('outer', { cause });
    }
  },
};

if (isMainThread) {
  await using pool = new ThreadPoolExecutor({ threads: 1 });
  const stacks: Record<string, string | undefined> = {};
  for (const [name, fn] of Object.entries(functions)) {
    const error = (await pool.submit(fn, { name: 'spindle' }).error()) as Error;
    stacks[name] = ((error.cause as Error | undefined) ?? error).stack;
  }
  // Nothing else refers to this function: its job does.
  const loose = (await pool.submit((part: Part) => {
    /*!*/ throw new Error(part.name);
  }, { name: 'loom' }).error()) as Error;
  stacks['loose'] = loose.stack;
  console.log(JSON.stringify(stacks));
}
`;
const names = ['exported', 'portable', 'arrow', 'later', 'named', 'imports', 'captured', 'caused', 'loose'];
/** Lines and columns of `throw`, as stacks count; the error is made four letters and a space further on. */
const places = program.split('\n').flatMap((line, index) => {
  const at = line.indexOf('/*!*/');
  return at < 0 ? [] : [`${index + 1}:${at + '/*!*/ throw '.length + 1}`];
});

const source = join(folder, 'program.ts');
writeFileSync(source, program);
writeFileSync(join(folder, 'package.json'), '{"type":"module"}');

function compiled(): string {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  const flags =
    '--target es2022 --module esnext --moduleResolution bundler --sourceMap --outDir out --noCheck';
  execFileSync(process.execPath, [tsc, '--ignoreConfig', ...flags.split(' '), source], { cwd: folder });
  return join(folder, 'out/program.js');
}

const tsx = pathToFileURL(require.resolve('tsx')).href;

describe.each<readonly [how: string, flags: readonly string[], file: () => string]>([
  ['under type stripping', [], () => source],
  ['under tsx', ['--import', tsx], () => source],
  ['built by tsc, with source maps', ['--enable-source-maps'], compiled],
])('the stack of an error from a thread, %s,', (_how, flags, file) => {
  let stacks: Record<string, string>;
  beforeAll(async () => {
    const args = ['--conditions=heddle-source', ...flags, file()];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 60_000 });
    stacks = JSON.parse(stdout) as Record<string, string>;
  }, 90_000);

  test.each(names)('points into the source as it was written: %s', (name) => {
    const place = places[names.indexOf(name)]!;
    const first = stacks[name]!.split('\n').find((line) => line.startsWith('    at '));
    expect(first).toMatch(new RegExp(`program\\.ts:${place}\\)?$`));
  });
});
