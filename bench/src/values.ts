/**
 * The table of `docs/values.md`: each kind of value through each library and back, compared with what was sent.
 * `node bench/src/values.ts`, on a built heddle, writes it between the markers there.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { groups, rows } from '../measured/values/rows.mjs';
import { benchFolder, installedVersion, rootFolder } from './environment.ts';

const LIBRARIES = ['structuredClone', 'heddle', 'piscina', 'comlink', 'workerpool', 'multithreading'];
/** One process; a value alone has less. */
const LIMIT = 120_000;
const BEGIN = '<!-- The table begins: node bench/src/values.ts writes it. -->';
const END = '<!-- The table ends. -->';

/** What came of each row. */
async function verdictsOf(library: string): Promise<readonly string[]> {
  const verdicts: string[] = [];
  for (let first = 0; first < rows.length; first = Math.max(first + 1, verdicts.length))
    await runFrom(library, first, verdicts);
  return verdicts;
}

/** From that row on, until a value hangs or ends the process. */
async function runFrom(library: string, first: number, verdicts: string[]): Promise<void> {
  const child = spawn(
    process.execPath,
    [join(benchFolder, 'measured/values/child.mjs'), library, String(first)],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT);
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{"index"')) continue;
    const { index, verdict } = JSON.parse(line) as { index: number; verdict?: string };
    // Should it say nothing more of that one.
    verdicts[index] = verdict ?? 'ends the process';
  }
  clearTimeout(timer);
}

function tableOf(verdicts: ReadonlyMap<string, readonly string[]>): string {
  const names = LIBRARIES.map((library) => (library === 'structuredClone' ? 'structured clone' : library));
  const lines = [`| Value | ${names.join(' | ')} |`, `| ${'--- | '.repeat(LIBRARIES.length + 1).trim()}`];
  const notes: string[] = [];
  let index = 0;
  for (const [group, members] of Object.entries(groups)) {
    lines.push(`| **${group}** |${' |'.repeat(LIBRARIES.length)}`);
    for (const { name } of members) {
      const cells = LIBRARIES.map((library) => cell(verdicts.get(library)?.[index], notes));
      lines.push(`| ${name} | ${cells.join(' | ')} |`);
      index++;
    }
  }
  return [...lines, '', ...notes.map((note, at) => `${at + 1}. ${note}`)].join('\n');
}

/** Long ones go below the table. */
function cell(verdict: string | undefined, notes: string[]): string {
  if (verdict === undefined) return '—';
  const [word, detail] = verdict.split(/: (.*)/s);
  if (detail === undefined || word === 'refused') return word!;
  const note = detail.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  if (note.length <= 30) return `${word}: ${note}`;
  if (!notes.includes(note)) notes.push(note);
  return `${word} (${notes.indexOf(note) + 1})`;
}

const verdicts = new Map<string, readonly string[]>();
for (const library of LIBRARIES) {
  verdicts.set(library, await verdictsOf(library));
  console.log(library, verdicts.get(library));
}
const versions = LIBRARIES.slice(2).map((library) => `${library} ${installedVersion(library)}`);
const file = join(rootFolder, 'docs/values.md');
const text = readFileSync(file, 'utf8');
const [before, after] = [text.split(BEGIN)[0], text.split(END)[1]];
const note = `Node ${process.versions.node}; ${versions.join(', ')}. — stands for what this build has not.`;
writeFileSync(file, `${before}${BEGIN}\n\n${note}\n\n${tableOf(verdicts)}\n\n${END}${after}`);
