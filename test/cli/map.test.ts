import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { heddle, startHeddle, temporaryFolder } from './command.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
  writeFileSync(file('l.txt'), 'a\nb\nc\nd\n');
  writeFileSync(file('m.ndjson'), '{"a":1}\n\n{"a":\n{"a":3}\n');
  writeFileSync(
    file('fns.ts'),
    `import { setTimeout as delay } from 'node:timers/promises';
     export default (line: string): string => line.toUpperCase();
     export const settings = { a: 1 };
     let warm = 'cold';
     export const warmUp = (_: unknown, { to }: { to: string }): void => { warm = to; };
     export const warmth = (): string => warm;
     export const boom = (line: string): string => { if (line === 'c') throw new TypeError('no c'); return line; };
     export const text = (line: string): string => { if (line === 'c') throw 'just text'; return line; };
     export const exit = (line: string): string => { if (line === 'c') process.exit(3); return line; };
     export const spin = (line: string): string => { while (line === 'c'); return line; };
     export const noisy = (line: string): string => { console.log('noise'); return line; };
     export const result = (): object => ({ a: [1, () => 2] });
     export const bytes = (line: string): Uint8Array => new TextEncoder().encode('<' + line + '>');
     export const slow = async (line: string): Promise<string> => { await delay(line === 'a' ? 100 : 0); return line; };
     export const eat = (line: string): string => {
       const all: object[] = [];
       while (line === 'c') all.push({ n: all.length, text: 'x' + all.length });
       return line;
     };`,
  );
});
afterAll(() => folder.remove());

function file(name: string): string {
  return join(folder.path, name);
}

function map(args: readonly string[], input?: string) {
  return heddle(['map', ...args], { cwd: folder.path, ...(input === undefined ? {} : { input }) });
}

describe('inputs', () => {
  test('heddle map takes lines from stdin, and NDJSON where the first line is an object', async () => {
    expect((await map(['fns.ts'], 'x\ny\n')).stdout).toBe('"X"\n"Y"\n');
    expect((await map(['-e', 'o => o.a'], '\n{"a":1}\n{"a":2}')).stdout).toBe('1\n2\n');
    expect((await map(['-e', 'o => o.length', '--input', 'lines'], '{"a":1}\n')).stdout).toBe('7\n');
  });

  test('heddle map passes the paths of files that globs match, sorted and each once', async () => {
    mkdirSync(file('g'), { recursive: true });
    for (const name of ['b.md', 'a.md', 'c.txt']) writeFileSync(file(`g/${name}`), '');
    expect((await map(['-e', 'p => p', 'g/*.md', 'g/b.md', 'g/c.txt'])).stdout).toBe(
      '"g/a.md"\n"g/b.md"\n"g/c.txt"\n',
    );
  });

  test('heddle map -0 takes items that end with NUL', async () => {
    expect((await map(['-e', 'p => p', '-0'], 'a\nb\0c\0')).stdout).toBe('"a\\nb"\n"c"\n');
  });

  test('heddle map reads the lines of files, with carriage returns and without a last line feed', async () => {
    writeFileSync(file('crlf.txt'), '\u{feff}ä\r\nb');
    expect((await map(['-e', 'l => l', '--input', 'lines', 'crlf.txt', 'l.txt'])).stdout).toBe(
      '"ä"\n"b"\n"a"\n"b"\n"c"\n"d"\n',
    );
  });

  test('heddle map of nothing writes nothing', async () => {
    expect(await map(['fns.ts'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
});

describe('results', () => {
  test('heddle map keeps the order of the inputs, and --unordered does not wait', async () => {
    const ordered = await map(['fns.ts', '--export', 'slow', '--input', 'lines', 'l.txt']);
    expect(ordered.stdout).toBe('"a"\n"b"\n"c"\n"d"\n');
    const unordered = await map(['fns.ts', '--export', 'slow', '--unordered', '--input', 'lines', 'l.txt']);
    expect(unordered.stdout.split('\n').sort()).toEqual(['', '"a"', '"b"', '"c"', '"d"']);
  });

  test('heddle map --format raw writes text as lines and bytes as they are', async () => {
    expect((await map(['fns.ts', '--format', 'raw'], 'x\ny\n')).stdout).toBe('X\nY\n');
    expect((await map(['fns.ts', '--export', 'bytes', '--format', 'raw'], 'x\ny\n')).stdout).toBe('<x><y>');
  });

  test('heddle map --output replaces the file at the end, --output-dir writes a file per input', async () => {
    writeFileSync(file('out'), 'old');
    expect(await map(['fns.ts', '--output', 'out'], 'x\n')).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(file('out'), 'utf8')).toBe('"X"\n');
    mkdirSync(file('in/deep'), { recursive: true });
    writeFileSync(file('in/one.txt'), '');
    writeFileSync(file('in/deep/two.txt'), '');
    await map(['fns.ts', 'in/**', '--output-dir', 'dir', '--ext', 'up']);
    expect(readFileSync(file('dir/one.up'), 'utf8')).toBe('IN/ONE.TXT');
    expect(readdirSync(file('dir/deep'))).toEqual(['two.up']);
    expect(readdirSync(folder.path).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('heddle map keeps what a function prints out of the results', async () => {
    const { stdout, stderr } = await map(['fns.ts', '--export', 'noisy'], 'x\n');
    expect([stdout, stderr]).toEqual(['"x"\n', 'noise\n']);
  });

  test('heddle map ends quietly when nobody reads its output any more', async () => {
    const command = `yes '{"n":1}' | "$0" --conditions=heddle-source "$1" map -e 'o => o.n' | head -3`;
    const main = join(import.meta.dirname, '../../src/cli/main.ts');
    const options = { cwd: folder.path, timeout: 15_000 };
    const script = `set -o pipefail; ${command}; echo "\${PIPESTATUS[*]}"`;
    const stdout = execFileSync('bash', ['-c', `${script} 2>&1`, process.execPath, main], options).toString();
    // 141: yes itself ends by SIGPIPE.
    expect(stdout).toBe('1\n1\n1\n141 0 0\n');
  });
});

describe('running', () => {
  test('heddle map --arg gives constants, and --init runs once in each thread before', async () => {
    const args = ['-e', '(line, { k, s }) => [line, k, s]', '--arg', 'k={"x":1}', '--arg', 's=a=b'];
    expect((await map(args, 'l\n')).stdout).toBe('["l",{"x":1},"a=b"]\n');
    const init = ['fns.ts', '--export', 'warmth', '--init', 'fns.ts#warmUp', '--arg', 'to=warm'];
    expect((await map(init, 'l\n')).stdout).toBe('"warm"\n');
  });

  test('heddle map --retries tries an item again', async () => {
    writeFileSync(
      file('flaky.mjs'),
      `import { appendFileSync, readFileSync } from 'node:fs';
       export default (line) => {
         appendFileSync('tries', line);
         if (readFileSync('tries', 'utf8').split(line).length < 4) throw new Error('not yet');
         return line;
       };`,
    );
    const { code, stdout, stderr } = await map(['flaky.mjs', '--retries', '3', '--stats', 'json'], 'x\n');
    expect([code, stdout]).toEqual([0, '"x"\n']);
    expect(JSON.parse(stderr)).toMatchObject({ items: 1, failed: 0, retried: 2 });
  });

  test('heddle map --dry-run shows what would be run, and starts nothing', async () => {
    const { code, stdout } = await map([
      'fns.ts',
      '--dry-run',
      '--threads',
      '3',
      '--input',
      'lines',
      'l.txt',
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /function +fns\.ts \(default export\)[\s\S]*inputs +lines\n +a\n[\s\S]*threads +3\n/,
    );
  });

  test('heddle map --summary and --stats json tell the figures', async () => {
    const { stderr } = await map(['fns.ts', '--summary'], 'x\n');
    expect(stderr).toMatch(
      /^heddle: 1 item, 0 failed, in .*\nheddle: \d threads? busy for .* times one thread\n$/,
    );
    const json = JSON.parse(
      (await map(['fns.ts', '--stats', 'json', '--threads', '1'], 'x\n')).stderr,
    ) as object;
    expect(Object.keys(json)).toEqual(
      expect.arrayContaining(['items', 'failed', 'threads', 'elapsedMs', 'busyMs', 'speedUp']),
    );
  });

  test('heddle map ends at SIGTERM with 143, though a function never returns', async () => {
    const endless = "l => { process.getBuiltinModule('fs').writeSync(2, 'on\\n'); for (;;); }";
    const child = startHeddle(['map', '-e', endless], { cwd: folder.path });
    let stderr = '';
    child.stderr!.on('data', (chunk) => {
      if (stderr === '') child.kill('SIGTERM');
      stderr += chunk;
    });
    child.stdin!.write('x\n');
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect([code, stderr]).toEqual([143, 'on\nheddle: interrupted with 0 items done\n']);
  });
});

describe('items that fail', () => {
  const lines = ['--input', 'lines', 'l.txt'];

  test('heddle map stops at the first failure, after the results before it', async () => {
    const { code, stdout, stderr } = await map(['fns.ts', '--export', 'boom', ...lines]);
    expect([code, stdout]).toEqual([1, '"a"\n"b"\n']);
    expect(stderr).toMatch(
      /^heddle: Cannot process item 3 'c' \(l\.txt:3\): TypeError: no c\n {4}at boom .*fns\.ts/,
    );
    const toFile = await map(['fns.ts', '--export', 'boom', ...lines, '--output', 'partial']);
    expect(toFile.code).toBe(1);
    expect(readFileSync(file('partial'), 'utf8')).toBe('"a"\n"b"\n');
  });

  test('heddle map --on-error skip leaves it out, collect writes a record in its place', async () => {
    const skip = await map(['fns.ts', '--export', 'boom', ...lines, '--on-error', 'skip']);
    expect([skip.code, skip.stdout]).toEqual([1, '"a"\n"b"\n"d"\n']);
    const collect = await map(['fns.ts', '--export', 'boom', ...lines, '--on-error', 'collect']);
    expect(collect.stdout).toBe(
      '"a"\n"b"\n{"error":{"name":"TypeError","message":"no c","index":2,"input":"c"}}\n"d"\n',
    );
  });

  test.for([
    ['text', [], "it threw 'just text'"],
    ['exit', [], 'it called process.exit(3)'],
    ['spin', ['--timeout', '200ms'], 'it ran longer than 200ms'],
    ['eat', ['--memory', '30'], 'its thread ran out of memory'],
  ] as const)(
    'heddle map loses nothing but the item whose function does this: %s',
    async ([name, more, message]) => {
      const args = ['fns.ts', '--export', name, ...lines, '--on-error', 'skip', ...more];
      const { code, stdout, stderr } = await map(args);
      expect([code, stdout], stderr).toEqual([1, '"a"\n"b"\n"d"\n']);
      expect(stderr).toContain(`Cannot process item 3 'c'`);
      expect(stderr).toContain(message);
    },
  );

  test('heddle map goes on however many items in a row kill their thread', async () => {
    const input = Array.from({ length: 12 }, (_, index) => `${index}\n`).join('');
    const deadly = 'n => { if (n > 1 && n < 10) process.exit(1); return n; }';
    const { code, stdout, stderr } = await map(['-e', deadly, '--on-error', 'skip'], input);
    expect([code, stdout], stderr).toEqual([1, '"0"\n"1"\n"10"\n"11"\n']);
  });

  test('heddle map names the file and line of malformed NDJSON, and obeys --on-error', async () => {
    const stop = await map(['-e', 'o => o.a', 'm.ndjson']);
    expect([stop.code, stop.stdout]).toEqual([1, '1\n']);
    expect(stop.stderr).toContain('Cannot read item 2 (m.ndjson:3): it is not JSON');
    const skip = await map(['-e', 'o => o.a', 'm.ndjson', '--on-error', 'skip']);
    expect([skip.code, skip.stdout]).toEqual([1, '1\n3\n']);
  });

  test('heddle map names the path to a part of a result that cannot be written', async () => {
    const { code, stderr } = await map(['fns.ts', '--export', 'result', ...lines]);
    expect(code).toBe(1);
    expect(stderr).toContain('result.a[1] is a function, which has no place in JSON');
  });
});

describe('what cannot be run', () => {
  test.for([
    [['nope.ts'], 1, "Cannot find module 'nope.ts': there is no file"],
    [
      ['fns.ts', '--export', 'nope', 'l.txt'],
      1,
      "Cannot use export 'nope' of 'fns.ts': there is no such export",
    ],
    [['fns.ts', '--export', 'settings', 'l.txt'], 1, 'it is no function but an object (its functions: '],
    [['-e', 'l => foo(l)', 'l.txt'], 1, "it uses 'foo', which no thread knows"],
    [['-e', 'l =>', 'l.txt'], 2, "Cannot use -e 'l =>'"],
    [['-e', '3', 'l.txt'], 2, 'it is not a function but number'],
    [['fns.ts', '--threads', '0'], 2, "Cannot use --threads '0': must be a whole number of at least 1"],
    [['fns.ts', '--threads', '-1'], 2, "Cannot use --threads '-1'"],
    [['fns.ts', '--threads', 'NaN'], 2, "Cannot use --threads 'NaN'"],
    [['fns.ts', '--threads', 'x'], 2, "Cannot use --threads 'x'"],
    [['fns.ts', '--timeout', 'soon'], 2, "Cannot use --timeout 'soon': must be a time above 0"],
    [['fns.ts', '--retries', '-1'], 2, "Cannot use --retries '-1'"],
    [['fns.ts', '--on-error', 'cry'], 2, 'must be one of stop, skip, collect'],
    [['fns.ts', '--arg', 'x'], 2, "Cannot use --arg 'x': must be key=value"],
    [['fns.ts', '--outptu', 'x'], 2, 'Did you mean --output?'],
    [['fns.ts', '--output'], 2, 'Cannot use --output: it needs a value'],
    [['fns.ts', '--output', 'a', '--output-dir', 'b'], 2, 'Cannot use --output with --output-dir'],
    [['fns.ts', 'missing.txt'], 1, "Cannot read 'missing.txt': no such file"],
    [['fns.ts', '*.nothing'], 1, "Cannot read '*.nothing': no file matches it"],
    [['fns.ts', '--input', 'lines', '.'], 1, "Cannot read '.': it is a folder"],
    [
      ['fns.ts', '--input', 'lines', 'l.txt', '--output', 'no/where'],
      1,
      "Cannot write 'no/where': no such file",
    ],
    [['fns.ts', '--input', 'lines', 'l.txt', '--output', '/dev/full'], 1, 'no space left on the device'],
    [[], 2, 'no module is named'],
  ] as const)('heddle map %j exits with %i', async ([args, code, message]) => {
    const result = await map(args);
    expect(result.stderr).toContain(message);
    expect(result.stderr).not.toMatch(/\n {4}at /);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe('');
  });
});
