import { describe, expect, it } from 'vitest';
import { judge } from '../../../bench/src/bars.ts';
import { parseOptions, plan, UsageError } from '../../../bench/src/options.ts';
import { type RunDetails, report, reportOf } from '../../../bench/src/report.ts';
import { countChildren, type Sample } from '../../../bench/src/suite.ts';
import { formatCell, formatFigure, median, ratio, summarize, table } from '../../../bench/src/summary.ts';

describe('median()', () => {
  it('is the middle of an odd number of values, whatever their order', () => {
    expect(median([30, 100, 2])).toBe(30);
  });
  it('is the mean of the two in the middle of an even number of values', () => {
    expect(median([10, 1, 4, 3])).toBe(3.5);
  });
  it('leaves the values as they were', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
  it('of nothing is not a number', () => {
    expect(median([])).toBeNaN();
  });
});

describe('summarize() and ratio()', () => {
  it('gives median, least, most and count', () => {
    expect(summarize([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5, count: 3 });
  });
  it('gives nothing for nothing', () => {
    expect(summarize([])).toBeUndefined();
  });
  it('compares medians', () => {
    expect(ratio(summarize([5, 10, 90]), summarize([1, 20, 21]))).toBe(0.5);
  });
  it('has no ratio to a missing reference, or to zero', () => {
    expect(ratio(summarize([1]), undefined)).toBeUndefined();
    expect(ratio(undefined, summarize([1]))).toBeUndefined();
    expect(ratio(summarize([1]), summarize([0]))).toBeUndefined();
  });
});

describe('the cells of a table', () => {
  it.each([
    [0.5, 'per second', '0.50'],
    [950, 'per second', '950'],
    [999.7, 'per second', '1.00 k'],
    [31_249, 'per second', '31.2 k'],
    [999_700, 'per second', '1.00 M'],
    [1_234_567, 'per second', '1.23 M'],
    [5.512, 'µs', '5.51 µs'],
    [12_300, 'µs', '12.3 ms'],
    [41.26, 'ns', '41.3 ns'],
    [12_300, 'ns', '12.3 µs'],
    [1_200_000, 'ns', '1.20 ms'],
    [3, 'blocks', '3'],
    [76.96, 'ms', '77.0 ms'],
    [4.5, 'MB', '4.50 MB'],
    [-0.001, 'MB', '0.00 MB'],
    [-0.25, 'MB', '-0.25 MB'],
    [1.966, 'times', '1.97×'],
    [95.04, '%', '95.0 %'],
  ] as const)('%d %s is written as %s', (value, unit, written) => {
    expect(formatFigure(value, unit)).toBe(written);
  });
  it('have median, range and ratio', () => {
    expect(formatCell({ median: 20, min: 15, max: 150, count: 3 }, 'µs', 0.5)).toBe(
      '20.0 µs (15.0 µs – 150 µs) 0.50×',
    );
  });
  it('have no range after one repetition', () => {
    expect(formatCell({ median: 20, min: 20, max: 20, count: 1 }, 'ms', undefined)).toBe('20.0 ms');
  });
});

describe('judge()', () => {
  const figures: Record<string, number> = { heddle: 30, raw: 20 };
  const summaryOf = (peer: string) => summarize(figures[peer] === undefined ? [] : [figures[peer]]);

  it('compares the median with a figure', () => {
    expect(judge({ bound: 'at most', value: 30 }, 'ms', { summaryOf })).toEqual({
      bar: 'at most 30.0 ms',
      measured: '30.0 ms',
      reached: true,
    });
    expect(judge({ bound: 'at least', value: 31 }, 'per second', { summaryOf })).toMatchObject({
      reached: false,
    });
    expect(judge({ bound: 'at most', value: 29 }, 'ms', { summaryOf })).toMatchObject({ reached: false });
  });
  it('compares it with a multiple of the median of another peer', () => {
    expect(judge({ bound: 'at least', value: 1.5, of: 'raw' }, 'per second', { summaryOf })).toEqual({
      bar: 'at least 1.50× raw',
      measured: '1.50× raw',
      reached: true,
    });
    expect(judge({ bound: 'at most', value: 1.3, of: 'raw' }, 'µs', { summaryOf })).toMatchObject({
      reached: false,
    });
  });
  it('compares it with the median of another peer and so much more', () => {
    const bar = { bound: 'at most', value: 10, of: 'raw', added: true } as const;
    expect(judge(bar, 'ms', { summaryOf })).toEqual({
      bar: 'at most raw + 10.0 ms',
      measured: 'raw + 10.0 ms',
      reached: true,
    });
    expect(judge({ ...bar, value: 9 }, 'ms', { summaryOf })).toMatchObject({ reached: false });
  });
  it('is below the other peer, too', () => {
    const bar = { bound: 'at most', value: 1, of: 'heddle', added: true, peer: 'raw' } as const;
    expect(judge(bar, 'MB', { summaryOf })).toMatchObject({ measured: 'heddle − 10.0 MB', reached: true });
  });
  it('judges the peer that a bar names', () => {
    expect(judge({ bound: 'at most', value: 20, peer: 'raw' }, 'ms', { summaryOf })).toMatchObject({
      measured: '20.0 ms',
      reached: true,
    });
  });
  it('compares it with another measurement of the same peer', () => {
    const timesAsFast = (measurement: string) => summarize(measurement === 'cpu-1' ? [1.8, 1.95, 2] : []);
    const bar = { bound: 'at least', value: 1.9, beside: 'cpu-1' } as const;
    expect(judge(bar, 'ms', { summaryOf, timesAsFast })).toEqual({
      bar: 'at least 1.90× its own cpu-1',
      measured: '1.95× its own cpu-1',
      reached: true,
    });
    expect(judge({ ...bar, beside: 'cpu-4' }, 'ms', { summaryOf, timesAsFast })).toMatchObject({
      measured: 'not measured',
      reached: false,
    });
  });
  it('has not reached what could not be measured', () => {
    const expected = { measured: 'not measured', reached: false };
    expect(judge({ bound: 'at most', value: 1, of: 'batched' }, 'µs', { summaryOf })).toMatchObject(expected);
    const added = { bound: 'at most', value: 1, of: 'batched', added: true } as const;
    expect(judge(added, 'µs', { summaryOf })).toMatchObject(expected);
    expect(judge({ bound: 'at most', value: 1 }, 'µs', { summaryOf: () => undefined })).toMatchObject(
      expected,
    );
  });
});

describe('table()', () => {
  it('aligns its columns and escapes what would break a row', () => {
    expect(
      table(
        ['peer', 'rate'],
        [
          ['raw', '1'],
          ['a|b\nc', '1000'],
        ],
      ),
    ).toBe(['| peer   | rate |', '|--------|-----:|', '| raw    |    1 |', '| a\\|b c | 1000 |'].join('\n'));
  });
});

describe('report()', () => {
  const environment = {
    date: '2026-01-02T03:04:05.678Z',
    cpu: 'a processor',
    cores: 2,
    memoryGigabytes: 24,
    system: 'linux 6',
    load: 0.1,
    nodes: [{ path: 'node', version: 'v24.0.0' }],
    versions: { piscina: '5.3.2' },
  };
  const details: RunDetails = { reps: 2, quick: false, whole: false, seconds: 12 };
  const sample = (
    peer: string,
    measurement: string,
    repetition: number,
    outcome: Sample['outcome'],
  ): Sample => ({
    node: 'v24.0.0',
    peer,
    measurement,
    repetition,
    outcome,
  });
  const row = (samples: readonly Sample[], peer: string): string =>
    report(environment, details, samples)
      .split('\n')
      .findLast((line) => line.startsWith(`| ${peer} `)) ?? '';

  it('shows medians beside the ratio to the reference', () => {
    const text = row(
      [
        sample('raw', 'tasks-1-1', 1, { values: { rate: 100 } }),
        sample('raw', 'tasks-1-1', 2, { values: { rate: 300 } }),
        sample('piscina', 'tasks-1-1', 1, { values: { rate: 40 } }),
        sample('piscina', 'tasks-1-1', 2, { values: { rate: 60 } }),
      ],
      'piscina',
    );
    expect(text).toContain('50.0 (40.0 – 60.0) 0.25×');
  });
  it('compares one and two threads within a repetition', () => {
    const text = row(
      [
        sample('raw', 'cpu-1', 1, { values: { time: 100 } }),
        sample('raw', 'cpu-2', 1, { values: { time: 50 } }),
        sample('raw', 'cpu-1', 2, { values: { time: 200 } }),
        sample('raw', 'cpu-2', 2, { values: { time: 100 } }),
      ],
      'raw',
    );
    expect(text).toContain('2.00× (2.00× – 2.00×)');
  });
  it('has a dash for a figure that a peer does not have', () => {
    const samples = [
      sample('raw', 'lock-sent', 1, { values: { time: 4 } }),
      sample('heddle', 'lock-sent', 1, { values: { time: 8, blocks: 0, forgotten: 2 } }),
    ];
    expect(row(samples, 'raw')).toMatch(/4\.00 µs \| +– \| +– \|$/);
    expect(row(samples, 'heddle')).toMatch(/8\.00 µs 2\.00× \| +0 \| +2 \|$/);
  });
  it('has no ratio where it would say nothing', () => {
    const values = { time: 60, each: 50, left: 0.1 };
    const samples = ['raw', 'heddle'].map((peer) => sample(peer, 'lock-made', 1, { values }));
    expect(row(samples, 'heddle')).toMatch(/50\.0 bytes 1\.00× \| +0\.10 MB \|$/);
  });
  it('has a table for each figure of a measurement where a section names it', () => {
    const values = { 'number both': 30, 'number encode': 10, 'number decode': 20 };
    const samples = [
      sample('raw', 'codec-primitives', 1, { values: { 'number both': 60 } }),
      sample('heddle', 'codec-primitives', 1, { values }),
    ];
    const text = report(environment, details, samples);
    for (const [title, cell] of [
      ['encoded and decoded', '30.0 ns 0.50×'],
      ['encoded', '10.0 ns'],
      ['decoded', '20.0 ns'],
    ] as const) {
      const table = text.slice(text.indexOf(`### Plain values ${title} (`));
      expect(table.split('\n\n')[1]).toMatch(/^\| peer +\| +whole number \| +fraction \|/);
      expect(table.split('\n\n')[1]).toMatch(new RegExp(`\\| heddle \\| +${cell} \\| +– \\|`));
    }
  });
  it('reports runs of different groups together, each with how it was made', () => {
    const whole = { ...details, reps: 5 };
    const runs = [
      { environment, details: whole, samples: [sample('raw', 'tasks-1-1', 1, { values: { rate: 100 } })] },
      {
        environment,
        details: whole,
        samples: [sample('raw', 'queue-trip', 1, { values: { p50: 20, p99: 90 } })],
      },
    ] as const;
    const text = reportOf(runs);
    expect(text).toContain('- Groups: tasks\n');
    expect(text).toContain('- Groups: queues\n');
    expect(text).not.toContain('not to publish');
    expect(text.match(/## Node v24/g)).toHaveLength(1);
    const quick = { ...runs[0], details: { ...whole, quick: true } };
    expect(reportOf([quick, runs[1]])).toContain('not to publish');
  });
  it('says which bars heddle reached, and which not', () => {
    const samples = [
      sample('raw', 'queue-trip', 1, { values: { p50: 20, p99: 90 } }),
      sample('heddle', 'queue-trip', 1, { values: { p50: 30, p99: 90 } }),
      sample('heddle', 'event-crowds', 1, { values: { time: 99 } }),
    ];
    const text = report(environment, details, samples);
    expect(text).toContain('### Bars of heddle: 1 of 2 reached');
    expect(text).toMatch(
      /a loop and a blocked thread, p50 +\| at most 1\.30× raw \| 1\.50× raw \| \*\*not reached\*\*/,
    );
    expect(text).toMatch(/1,000 tasks on each of two loops +\| at most 100 ms +\| 99\.0 ms +\| reached /);
  });
  it('has a bar that heddle failed at among those not reached', () => {
    const samples = [sample('heddle', 'event-crowds', 1, { error: 'Error: broken', hung: false })];
    expect(report(environment, details, samples)).toMatch(
      /two loops +\| at most 100 ms \| not measured \| \*\*not/,
    );
  });
  it('leaves out the bars of what was not measured, and beside a peer that was not', () => {
    const samples = [
      sample('heddle', 'queue-trip', 1, { values: { p50: 30, p99: 90 } }),
      sample('raw', 'event-crowds', 1, { values: { time: 1 } }),
    ];
    expect(report(environment, details, samples)).not.toContain('### Bars');
  });
  it('has the bars that are for the Node, of the peers that they name', () => {
    const text = (version: string): string =>
      report({ ...environment, nodes: [{ path: 'node', version }] }, details, [
        { ...sample('raw', 'tasks-1-64', 1, { values: { rate: 100 } }), node: version },
        { ...sample('heddle', 'tasks-1-64', 1, { values: { rate: 180 } }), node: version },
        { ...sample('heddle-spin', 'tasks-1-64', 1, { values: { rate: 310 } }), node: version },
      ]);
    expect(text('v20.20.2')).toContain('### Bars of heddle: 1 of 1 reached');
    expect(text('v20.20.2')).toContain('at least 1.50× raw | 1.80× raw | reached');
    expect(text('v24.0.0')).toContain('### Bars of heddle: 1 of 2 reached');
    expect(text('v24.0.0')).toContain('at least 2.00× raw | 1.80× raw | **not reached**');
    expect(text('v24.0.0')).toMatch(
      /64 in flight, heddle-spin \| at least 3\.00× raw \| 3\.10× raw \| reached/,
    );
  });
  it('holds two threads against one of the same repetition', () => {
    const samples = [
      sample('heddle', 'tasks-1-64', 1, { values: { rate: 100 } }),
      sample('heddle', 'tasks-2-64', 1, { values: { rate: 90 } }),
      sample('heddle', 'tasks-1-64', 2, { values: { rate: 200 } }),
      sample('heddle', 'tasks-2-64', 2, { values: { rate: 240 } }),
      sample('heddle', 'cpu-1', 1, { values: { time: 100 } }),
      sample('heddle', 'cpu-2', 1, { values: { time: 50 } }),
    ];
    const text = report(environment, details, samples);
    expect(text).toMatch(/at least 1\.00× its own tasks-1-64 \| 1\.05× its own tasks-1-64 \| reached/);
    expect(text).toMatch(/at least 1\.90× its own cpu-1 +\| 2\.00× its own cpu-1 +\| reached/);
  });
  it('has a dash for what a peer does not have at all, and its bar is not reached', () => {
    const samples = [
      sample('heddle', 'sync', 1, { values: {} }),
      sample('synckit', 'sync', 1, { values: { p50: 20, p99: 90 } }),
    ];
    expect(row(samples.slice(0, 1), 'heddle')).toMatch(/\| +– \| +– \|$/);
    expect(report(environment, details, samples)).toMatch(
      /at most 0\.75× synckit \| not measured \| \*\*not reached/,
    );
  });
  it('never drops a peer that failed', () => {
    const samples = [
      sample('raw', 'tasks-1-1', 1, { values: { rate: 100 } }),
      sample('piscina', 'tasks-1-1', 1, { error: 'Error: broken in two', hung: false }),
      sample('tinypool', 'tasks-1-1', 1, { error: 'no result within 20 s', hung: true }),
      sample('tinypool', 'tasks-1-1', 2, { values: { rate: 50 } }),
    ];
    expect(row(samples, 'piscina')).toContain('failed: Error: broken in two');
    expect(row(samples, 'tinypool')).toContain('50.0 0.50×, 1 of 2 failed');
    expect(report(environment, details, samples)).toContain('- tinypool, tasks-1-1: no result within 20 s');
  });
});

describe('plan()', () => {
  const planned = (measurement: string, version: string): readonly string[] =>
    plan(parseOptions([])!, version)
      .find((entry) => entry.measurement.id === measurement)!
      .peers.map((peer) => peer.name);

  it('leaves out the peers that cannot do it', () => {
    expect(planned('lock-sync', 'v24.8.0')).toEqual(['raw', 'heddle', 'multithreading']);
    expect(planned('lock-async', 'v24.8.0')).toContain('async-mutex');
  });
  it('leaves out the peers that a Node has not', () => {
    expect(planned('lock-async', 'v24.5.0')).toContain('web-locks');
    expect(planned('lock-async', 'v26.0.0')).toContain('web-locks');
    expect(planned('lock-async', 'v24.4.9')).not.toContain('web-locks');
    expect(planned('lock-async', 'v20.19.0')).not.toContain('web-locks');
  });
});

describe('countChildren()', () => {
  const count = (...args: readonly string[]): number =>
    countChildren([{ path: 'node', version: 'v24.8.0' }], parseOptions(['--peers', 'heddle', ...args])!);

  it('multiplies by the repetitions', () => {
    expect(count('--only', 'cpu', '--reps', '7')).toBe(7 * count('--only', 'cpu', '--reps', '1'));
  });
  it('counts what is repeated less often no more than that', () => {
    const once = count('--only', 'queues', '--reps', '1');
    expect(count('--only', 'queues', '--reps', '2')).toBe(2 * once);
    expect(count('--only', 'queues', '--reps', '4')).toBeLessThan(4 * once);
  });
});

describe('parseOptions()', () => {
  it('has five repetitions of everything, three when quick', () => {
    expect(parseOptions([])).toMatchObject({ reps: 5, quick: false, whole: true });
    expect(parseOptions(['--quick'])).toMatchObject({ reps: 3, quick: true, whole: false });
    expect(parseOptions(['--report', 'a', '--report', 'b'])).toMatchObject({ reports: ['a', 'b'] });
  });
  it('takes lists and repeated options, in the order of the tables', () => {
    const options = parseOptions([
      '--only',
      'cpu,tasks',
      '--peers',
      'heddle',
      '--peers',
      'raw',
      '--node',
      'a',
      '--node',
      'b',
    ]);
    expect(options?.groups).toEqual(['tasks', 'cpu']);
    expect(options?.peers.map((peer) => peer.name)).toEqual(['raw', 'heddle']);
    expect(options?.nodes).toEqual(['a', 'b']);
  });
  it.each([
    [['--peers', 'piscinna'], 'piscinna'],
    [['--only', ''], '""'],
    [['--reps', '0'], '"0"'],
    [['--reps', '2.5'], '"2.5"'],
    [['--fast'], '--fast'],
    [['tasks'], 'tasks'],
  ])('refuses %j and names it', (args, name) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(name);
  });
});
