import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ended, heddle, startHeddle, temporaryFolder } from './command.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
  // As slow as a test needs it to be stopped in the middle, and with a failure now and then.
  writeFileSync(
    file('work.mjs'),
    `export default ({ n }, { ms = 0.02 }) => {
       const until = performance.now() + ms;
       while (performance.now() < until);
       if (n % 97 === 0) throw new Error('no ' + n);
       return { n, square: n * n };
     };`,
  );
  writeFileSync(file('in.ndjson'), Array.from({ length: 4000 }, (_, n) => `{"n":${n}}\n`).join(''));
});
afterEach(() => folder.remove());

function file(name: string): string {
  return join(folder.path, name);
}

function read(name: string): string {
  return readFileSync(file(name), 'utf8');
}

const RUN = ['map', 'work.mjs', 'in.ndjson', '--on-error', 'collect', '--output'];

/** A generator of random numbers that a printed seed repeats. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

async function killAtRandom(args: readonly string[], kills: number, random: () => number): Promise<number> {
  let killed = 0;
  for (let round = 0; round < kills; round++) {
    const child = startHeddle(args, { cwd: folder.path });
    // Half of the moments lie in the start, where threads, lock, journal and output come into being.
    const timer = setTimeout(() => child.kill('SIGKILL'), 250 + random() * 400);
    const { signal } = await ended(child);
    clearTimeout(timer);
    if (signal === 'SIGKILL') killed++;
  }
  return killed;
}

test('heddle map --journal ends with the undisturbed output though it is killed at 20 random moments', {
  timeout: 60_000,
}, async () => {
  const seed = Number(process.env['HEDDLE_SEED'] ?? Date.now() % 2 ** 32);
  console.log(`killing with HEDDLE_SEED=${seed}`);
  const random = randomFrom(seed);
  const plain = await heddle([...RUN, 'plain.ndjson'], { cwd: folder.path });
  expect(plain.code).toBe(1);
  const journalled = [...RUN, 'out.ndjson', '--journal', 'run.journal', '--arg', 'ms=1'];
  const killed = await killAtRandom(journalled, 20, random);
  expect(killed).toBeGreaterThan(2);
  const last = await heddle(journalled, { cwd: folder.path });
  expect(last.code, last.stderr).toBe(1);
  expect(read('out.ndjson')).toBe(read('plain.ndjson'));
  expect(existsSync(file('run.journal.lock'))).toBe(false);
});

test('heddle map --journal --unordered writes each result once though it is killed', {
  timeout: 60_000,
}, async () => {
  const journalled = [...RUN, 'out.ndjson', '--journal', 'run.journal', '--unordered', '--arg', 'ms=0.3'];
  await killAtRandom(journalled, 4, randomFrom(7));
  await heddle(journalled, { cwd: folder.path });
  await heddle([...RUN, 'plain.ndjson'], { cwd: folder.path });
  expect(read('out.ndjson').split('\n').sort()).toEqual(read('plain.ndjson').split('\n').sort());
});

test('heddle map --journal --output-dir goes on where it was killed, and leaves no half file', {
  timeout: 60_000,
}, async () => {
  mkdirSync(file('in'));
  for (let n = 0; n < 300; n++) writeFileSync(file(`in/${n}.txt`), `text ${n}`);
  writeFileSync(
    file('upper.mjs'),
    `import { appendFileSync, readFileSync } from 'node:fs';
     export default (path) => {
       const until = performance.now() + 1;
       while (performance.now() < until);
       appendFileSync('calls.txt', path + '\\n');
       return readFileSync(path, 'utf8').toUpperCase();
     };`,
  );
  const journalled = ['map', 'upper.mjs', 'in/*.txt', '--output-dir', 'out', '--journal', 'run.journal'];
  await killAtRandom(journalled, 3, randomFrom(3));
  const last = await heddle(journalled, { cwd: folder.path });
  expect(last.code, last.stderr).toBe(0);
  expect(readdirSync(file('out')).sort()).toEqual(readdirSync(file('in')).sort());
  for (let n = 0; n < 300; n++) expect(read(`out/${n}.txt`)).toBe(`TEXT ${n}`);
  const calls = read('calls.txt').length;
  await heddle(journalled, { cwd: folder.path });
  expect(read('calls.txt')).toHaveLength(calls);
});

test('heddle map --journal is interrupted by SIGINT with what is done written, and goes on', {
  timeout: 60_000,
}, async () => {
  const journalled = [...RUN, 'out.ndjson', '--journal', 'run.journal', '--arg', 'ms=1'];
  const child = startHeddle(journalled, { cwd: folder.path });
  const look = setInterval(() => {
    if (!existsSync(file('out.ndjson')) || read('out.ndjson').length === 0) return;
    child.kill('SIGINT');
    clearInterval(look);
  }, 20);
  const stopped = await ended(child);
  expect(stopped.code, stopped.stderr).toBe(130);
  expect(stopped.stderr).toMatch(/interrupted with .* done; the same command goes on/);
  expect(read('out.ndjson')).toMatch(/\n$/);
  await heddle(journalled, { cwd: folder.path });
  await heddle([...RUN, 'plain.ndjson'], { cwd: folder.path });
  expect(read('out.ndjson')).toBe(read('plain.ndjson'));
});

test('heddle map --journal does nothing when all is done, and says so', async () => {
  const journalled = ['map', '-e', 'o => o.n', 'in.ndjson', '--output', 'out', '--journal', 'run.journal'];
  await heddle(journalled, { cwd: folder.path });
  const output = read('out');
  const again = await heddle(journalled, { cwd: folder.path });
  expect(again.code).toBe(0);
  expect(again.stderr).toContain('Nothing to do');
  expect(read('out')).toBe(output);
});

test('heddle map --journal resumes standard input, and refuses one that differs', async () => {
  const journalled = [
    'map',
    '-e',
    "l => { if (l === 'stop' && !process.env.GO) throw new Error('now'); return l; }",
  ];
  journalled.push('--input', 'lines', '--output', 'out', '--journal', 'run.journal');
  await heddle(journalled, { cwd: folder.path, input: 'a\nb\nstop\nc\n' });
  expect(read('out')).toBe('"a"\n"b"\n');
  const other = await heddle(journalled, { cwd: folder.path, input: 'a\nX\nstop\nc\n' });
  expect(other.code).toBe(1);
  expect(other.stderr).toMatch(/Cannot go on with journal 'run.journal': the input has changed since/);
  expect(read('out')).toBe('"a"\n"b"\n');
  const short = await heddle(journalled, { cwd: folder.path, input: 'a\n' });
  expect(short.stderr).toContain('it has fewer items');
  process.env['GO'] = '1';
  try {
    const last = await heddle(journalled, { cwd: folder.path, input: 'a\nb\nstop\nc\n' });
    expect(last.code, last.stderr).toBe(0);
  } finally {
    delete process.env['GO'];
  }
  expect(read('out')).toBe('"a"\n"b"\n"stop"\n"c"\n');
});

test('heddle map --journal refuses the journal of another command, and says what differs', async () => {
  const base = ['map', '-e', 'o => o.n', 'in.ndjson', '--output', 'out', '--journal', 'run.journal'];
  await heddle(base, { cwd: folder.path });
  const before = [read('out'), read('run.journal')];
  const other = await heddle([...base, '--arg', 'k=1'], { cwd: folder.path });
  expect(other.code).toBe(1);
  expect(other.stderr).toMatch(/belongs to another command \(--arg: \{\}, now \{"k":1\}\)/);
  expect([read('out'), read('run.journal')]).toEqual(before);
  const threads = await heddle([...base, '--threads', '1', '--quiet'], { cwd: folder.path });
  expect(threads.code).toBe(0);
});

test('heddle map --journal refuses a damaged journal, and another file given as one', async () => {
  const base = ['map', 'work.mjs', 'in.ndjson', '--on-error', 'skip', '--output', 'out', '--journal'];
  await heddle([...base, 'run.journal'], { cwd: folder.path });
  const text = read('run.journal');
  const lines = text.split('\n');
  lines[1] = lines[1]!.replace('"failed":', '"failed":1');
  writeFileSync(file('run.journal'), lines.join('\n'));
  const damaged = await heddle([...base, 'run.journal'], { cwd: folder.path });
  expect(damaged.code).toBe(1);
  expect(damaged.stderr).toMatch(/Cannot use journal 'run.journal': it is damaged behind record 1/);
  writeFileSync(file('notes.txt'), 'my notes\n');
  const notes = await heddle([...base, 'notes.txt'], { cwd: folder.path });
  expect(notes.code).toBe(1);
  expect(notes.stderr).toContain('it is not a journal of heddle');
  expect(read('notes.txt')).toBe('my notes\n');
});

test('heddle map --journal drops a last record that a crash cut off, and notices an output that was changed', async () => {
  const journalled = [...RUN, 'out', '--journal', 'run.journal'];
  await heddle(journalled, { cwd: folder.path });
  const whole = read('out');
  const journal = read('run.journal');
  truncateSync(file('run.journal'), Buffer.byteLength(journal) - 5);
  appendFileSync(file('out'), '{"half":');
  await heddle(journalled, { cwd: folder.path });
  expect(read('out')).toBe(whole);
  writeFileSync(file('out'), whole.replace('"square":1}', '"square":2}'));
  const changed = await heddle(journalled, { cwd: folder.path });
  expect(changed.code).toBe(1);
  expect(changed.stderr).toContain("Cannot go on with output 'out': it is not what the journal says");
});

test('heddle map --journal keeps its place when the disk is full', async () => {
  // A limit on the size of files stands in for a full disk: only part of a write succeeds, then none.
  const args = [...RUN, 'out', '--journal', 'run.journal'];
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const shell = `trap '' XFSZ; ulimit -f 64; exec "$0" --conditions=heddle-source "$@"`;
  const full = spawnSync('bash', ['-c', shell, process.execPath, main, ...args], { cwd: folder.path });
  expect(full.status).toBe(1);
  expect(full.stderr.toString()).toMatch(/Cannot write 'out': the file would become too large/);
  const last = await heddle(args, { cwd: folder.path });
  expect(last.stderr).not.toContain('Cannot');
  await heddle([...RUN, 'plain.ndjson'], { cwd: folder.path });
  expect(read('out')).toBe(read('plain.ndjson'));
});

test('heddle map refuses a journal without an output that can be gone on with', async () => {
  const stdout = await heddle(['map', '-e', 'o => o', 'in.ndjson', '--journal', 'j'], { cwd: folder.path });
  expect(stdout.code).toBe(2);
  expect(stdout.stderr).toContain('Add --output <file> or --output-dir <folder>');
  const args = ['map', '-e', 'o => o', 'in.ndjson', '--output', '/dev/null', '--journal', 'j'];
  const device = await heddle(args, { cwd: folder.path });
  expect(device.code).toBe(2);
});

test('heddle map refuses a journal that another process is using', async () => {
  writeFileSync(file('j.lock'), `${process.pid} -\n`);
  const busy = await heddle(['map', '-e', 'o => o', 'in.ndjson', '--output', 'o', '--journal', 'j'], {
    cwd: folder.path,
  });
  expect(busy.code).toBe(1);
  expect(busy.stderr).toContain(`process ${process.pid} is using it`);
});
