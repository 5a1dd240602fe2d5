import { describe, expect, test } from 'vitest';
import { closest, duration, helpText, parseOptions, wholeNumber } from '../../../src/cli/options.ts';

const spec = {
  name: 'test',
  usage: 'heddle test',
  summary: 'Tests.',
  options: {
    All: [
      { name: 'output', short: 'o', value: 'file', help: 'where' },
      { name: 'arg', value: 'k=v', repeatable: true, help: 'what' },
      { name: 'quiet', short: 'q', help: 'hush' },
      { name: 'mode', value: 'mode', choices: ['fast', 'slow'], help: 'how' },
    ],
  },
  examples: ['heddle test -q'],
} as const;

describe('parseOptions()', () => {
  test('keeps values as the text they are, whatever they look like', () => {
    const given = parseOptions(spec, ['007', '-o', '1e3', '--arg=a=b', '--arg', '-1', '-q', '--', '--mode']);
    expect(given.positionals).toEqual(['007', '--mode']);
    expect(given.values.get('output')).toEqual(['1e3']);
    expect(given.values.get('arg')).toEqual(['a=b', '-1']);
    expect([...given.flags]).toEqual(['quiet']);
  });

  test.for([
    [['--outpt', 'x'], "Cannot use option --outpt: 'heddle test' does not know it. Did you mean --output?"],
    [['--output'], 'Cannot use --output: it needs a value (file), and nothing follows it'],
    [['--output', '--quiet'], "Cannot use --output: it needs a value (file), and '--quiet' follows it"],
    [['--quiet=yes'], 'Cannot use --quiet=yes: --quiet takes no value'],
    [['--mode', 'odd'], "Cannot use --mode 'odd': must be one of fast, slow"],
  ] as const)('refuses %j', ([args, message]) => {
    expect(() => parseOptions(spec, args)).toThrow(message);
  });
});

test('closest() finds swapped, missing and wrong letters, and does not guess wildly', () => {
  const names = ['map', 'run', 'output-dir'];
  expect(['mpa', 'rn', 'output', 'outputdir'].map((name) => closest(name, names))).toEqual([
    'map',
    'run',
    'output-dir',
    'output-dir',
  ]);
  expect(closest('frobnicate', names)).toBeUndefined();
});

test('wholeNumber() takes digits alone', () => {
  expect(wholeNumber('12', '--n', 1)).toBe(12);
  for (const text of ['0', '-1', '1.5', 'NaN', 'x', '', '1e3', '0x1', ' 1'])
    expect(() => wholeNumber(text, '--n', 1), text).toThrow('must be a whole number of at least 1');
});

test('duration() takes milliseconds and units, and nothing that is not above 0', () => {
  expect(['250', '500ms', '5s', '1.5m', '2h'].map((text) => duration(text, '--t'))).toEqual([
    250, 500, 5000, 90_000, 7_200_000,
  ]);
  for (const text of ['0', '-5s', '5 s', 'soon', '', '5d'])
    expect(() => duration(text, '--t'), text).toThrow('must be a time above 0');
});

test('helpText() lists every option with its help', () => {
  expect(helpText(spec)).toMatch(/-o, --output <file> +where\n/);
});
