/**
 * A program under `run()` is sent SIGINT or SIGTERM at any moment of its life, sometimes two. After one, whatever had begun
 * has been cleaned up, and no temporary file is left; after two, it ends at once. Files are whole in any case.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Random, seeded } from './random.ts';
import { SHUTDOWN_TIMEOUT, STAGES, type Stage, type Variant } from './signals-program.ts';

export interface SignalsReport {
  readonly seed: number;
  /** By the first signal. */
  readonly runs: Readonly<Record<EndSignal, number>>;
  /** Programs that had ended before the moment of the signal came: checked too, but not among the runs. */
  readonly missed: number;
  /** By the stage after which the signal came and how the program ended. */
  readonly ends: Readonly<Record<string, number>>;
  /** In all runs with one signal together: pieces of work that had begun, each of which was cleaned up. */
  readonly cleanedUp: number;
  /** Whole ones. */
  readonly files: number;
  /** From the last signal to the end, in milliseconds, of programs that no job held up. */
  readonly slowest: number;
}

type EndSignal = 'SIGINT' | 'SIGTERM';

/** When a signal is sent: so long after the stage, or after the start. */
interface Moment {
  readonly after: Stage | 'start';
  readonly delay: number;
}

interface Plan {
  readonly seed: number;
  readonly variant: Variant;
  readonly signals: readonly EndSignal[];
  readonly first: Moment;
  /** After the first. */
  readonly second: number;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly err: string;
  readonly pid: number;
  /** How many signals were sent before the end. */
  readonly sent: number;
  readonly milliseconds: number;
}

const PROGRAM = fileURLToPath(new URL('./signals-program.ts', import.meta.url));
/** More than `shutdownTimeout`, on a busy machine. */
const MARGIN = 30_000;
/** Milliseconds from one stage to the next. Measured at the start, on a machine whose load changes: less, if a signal came too late. */
type Lengths = Record<Stage | 'start', number>;

/** So many runs with each signal, unless the time is up before. Rejects with what went wrong, naming seed and run. */
export async function signals(seed: number, ms: number, most: number): Promise<SignalsReport> {
  const random = seeded(seed);
  const end = performance.now() + ms;
  const total = { missed: 0, cleanedUp: 0, files: 0, slowest: 0 };
  const ends: Record<string, number> = {};
  const runs: Record<EndSignal, number> = { SIGINT: 0, SIGTERM: 0 };
  const lengths = await measure(random.integer(0, 2 ** 31));
  for (let count = 0; runs.SIGINT + runs.SIGTERM < 2 * most && performance.now() < end; count++) {
    const plan = planOf(random, runs.SIGINT > runs.SIGTERM ? 'SIGTERM' : 'SIGINT', lengths);
    const found = await inFolder(async (folder) => {
      const ended = await live(folder, plan);
      return { ended, ...(await check(folder, plan, ended)) };
    }).catch((error) => {
      throw new Error(`Run ${count} of seed ${seed}, ${JSON.stringify(plan)}: ${error.message}`);
    });
    const { ended, cleanedUp, files } = found;
    if (ended.sent === 0) {
      total.missed++;
      lengths[plan.first.after] *= 0.8;
      continue;
    }
    const way = `${plan.variant}, ${ended.sent} after ${plan.first.after}: ${ended.signal ?? ended.code}`;
    ends[way] = (ends[way] ?? 0) + 1;
    total.cleanedUp += cleanedUp;
    total.files += files;
    if (plan.variant !== 'deaf') total.slowest = Math.max(total.slowest, ended.milliseconds);
    runs[plan.signals[0]!]++;
  }
  return { seed, runs, ends, ...total };
}

function planOf(random: Random, signal: EndSignal, lengths: Lengths): Plan {
  const variant = random.pick(['plain', 'plain', 'plain', 'plain', 'plain', 'deaf', 'stubborn'] as const);
  const after = random.pick(['start', 'loaded', 'inside', 'inside', 'half', 'ending', 'over'] as const);
  const another = random.pick(['SIGINT', 'SIGTERM'] as const);
  // What is stubborn does not get that far.
  const reached = variant === 'stubborn' && (after === 'ending' || after === 'over') ? 'inside' : after;
  return {
    seed: random.integer(0, 2 ** 31),
    variant,
    signals: variant === 'stubborn' || random.chance(0.3) ? [signal, another] : [signal],
    first: { after: reached, delay: (random.integer(0, 1000) / 1000) * lengths[reached] },
    second: random.pick([0, 1, random.integer(0, 30), random.integer(0, 300)]),
  };
}

/** One life without a signal: all work is done, and each stage takes its time. */
async function measure(seed: number): Promise<Lengths> {
  return await inFolder(async (folder) => {
    const lengths: Lengths = {
      start: 0,
      loaded: 0,
      inside: 0,
      half: 0,
      ending: 0,
      over: 0,
    };
    let last: Stage | 'start' = 'start';
    let since = performance.now();
    const next = (stage: Stage | undefined): void => {
      lengths[last] = performance.now() - since;
      since = performance.now();
      if (stage !== undefined) last = stage;
    };
    const child = start(folder, seed, 'plain', next);
    const { code, signal, err } = await endOf(child, MARGIN);
    next(undefined);
    const { begun, cleanedUp, threads } = await logOf(folder);
    const all = { code, signal, err, threads, cleanedUp: cleanedUp.length, files: await wholeFiles(folder) };
    const expected = {
      code: 0,
      signal: null,
      err: '',
      threads: 0,
      cleanedUp: begun.length,
      files: { whole: 26, others: [] },
    };
    if (JSON.stringify(all) !== JSON.stringify(expected))
      throw new Error(`Without a signal it ends with ${JSON.stringify(all)}`);
    return lengths;
  });
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-signals-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function start(
  folder: string,
  seed: number,
  variant: Variant,
  reached: (stage: Stage) => void,
): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=heddle-source', PROGRAM, folder, `${seed}`, variant], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n')) if (STAGES.includes(line as Stage)) reached(line as Stage);
  });
  return child;
}

/** With both ends of its pipes, which nobody else may hold. */
async function endOf(child: ChildProcess, within: number): Promise<Omit<Ended, 'sent' | 'milliseconds'>> {
  let err = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), within);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code, signal, err, pid: child.pid! };
  } finally {
    clearTimeout(timer);
  }
}

async function live(folder: string, plan: Plan): Promise<Ended> {
  let sent = 0;
  let since = 0;
  let timer: NodeJS.Timeout | undefined;
  const send = (): void => {
    // Two of the same that come at one moment are one. Who does not listen to the first waits for another.
    const signal = plan.signals[Math.min(sent, plan.signals.length - 1)]!;
    if (!child.kill(signal)) return;
    since = performance.now();
    sent++;
    if (sent < plan.signals.length) timer = setTimeout(send, plan.second);
    else if (plan.variant === 'stubborn') timer = setTimeout(send, 500);
  };
  const after = (stage: Stage | 'start'): void => {
    if (stage === plan.first.after) timer = setTimeout(send, plan.first.delay);
  };
  const child = start(folder, plan.seed, plan.variant, after);
  after('start');
  const ended = await endOf(child, SHUTDOWN_TIMEOUT[plan.variant] + MARGIN);
  clearTimeout(timer);
  return { ...ended, sent, milliseconds: sent === 0 ? 0 : performance.now() - since };
}

/** What a program left, beside how it ended. Gives how much work was cleaned up, and how many files there are. */
async function check(
  folder: string,
  plan: Plan,
  ended: Ended,
): Promise<{ readonly cleanedUp: number; readonly files: number }> {
  const log = await logOf(folder);
  const files = await wholeFiles(folder);
  const show = (): string =>
    `${JSON.stringify(ended)}, stages ${log.stages}, threads ${log.threads}, not cleaned up: ${log.open}`;
  if (log.wrong.length > 0) throw new Error(log.wrong.join('\n'));
  if (log.open.length !== log.begun.length - log.cleanedUp.length)
    throw new Error(`Cleaned up twice, or what had not begun: ${log.cleanedUp}`);
  if (ended.milliseconds > SHUTDOWN_TIMEOUT[plan.variant] + MARGIN) throw new Error(`It hung: ${show()}`);
  const isOver = log.open.length === 0 && files.others.length === 0;
  const hadRun = log.stages.includes('inside');
  const code = ended.code === null ? undefined : ended.code - 128;
  const numbers = plan.signals.slice(0, ended.sent).map((one) => constants.signals[one]);
  let isRight: boolean;
  if (ended.signal !== null) {
    // The default effect: before `run` listened, or when it did no more.
    isRight = plan.signals.includes(ended.signal as EndSignal) && isOver && (!hadRun || log.ended('main'));
  } else if (ended.code === 0) {
    isRight = isOver && log.stages.includes('ending') && log.threads === 0;
  } else {
    isRight = code !== undefined && numbers.includes(code);
    const first = log.cancelledBy;
    // By the second one, which may be equal to the first. Which of two comes first is not said by who sent them first.
    const isBySecond = numbers.length > 1 && (code !== first || numbers[0] === numbers[1]);
    if (!isBySecond) isRight &&= code === first && isOver && log.threads === 0;
    else if (first === undefined) isRight &&= log.ended('main');
    if (plan.variant === 'stubborn') isRight &&= isBySecond;
  }
  const warned = /HEDDLE_SHUTDOWN_TIMEOUT.*(?:deaf|pool)/s.test(ended.err) && plan.variant === 'deaf';
  if (!isRight || (ended.err !== '' && !warned)) throw new Error(`It ended wrongly: ${show()}`);
  if (isProcess(ended.pid)) throw new Error('It lives on');
  return { cleanedUp: isOver ? log.cleanedUp.length : 0, files: files.whole };
}

interface Log {
  readonly stages: readonly string[];
  readonly begun: readonly string[];
  readonly cleanedUp: readonly string[];
  /** Begun and not cleaned up. */
  readonly open: readonly string[];
  readonly wrong: readonly string[];
  /** The number of the signal that main was cancelled by. */
  readonly cancelledBy: number | undefined;
  /** How many threads there were when the process ended by itself. */
  readonly threads: number | undefined;
  ended(what: string): boolean;
}

async function logOf(folder: string): Promise<Log> {
  const text = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
  const lines = text.split('\n').slice(0, -1);
  const those = (mark: string): string[] =>
    lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length));
  const begun = those('+ ');
  const cleanedUp = those('- ');
  const threads = those('threads ')[0];
  const signal = those('cancelled by ')[0];
  return {
    stages: lines.filter((line) => STAGES.includes(line as Stage)),
    begun,
    cleanedUp,
    open: begun.filter((what) => !cleanedUp.includes(what)),
    wrong: those('! '),
    cancelledBy: signal === undefined ? undefined : constants.signals[signal as EndSignal],
    threads: threads === undefined ? undefined : Number(threads),
    ended: (what) => cleanedUp.includes(what),
  };
}

/** How many there are; what is in the folder besides. Throws if one is not whole. */
async function wholeFiles(folder: string): Promise<{ whole: number; others: string[] }> {
  const names = (await readdir(folder)).filter((name) => name !== 'log');
  const whole = names.filter((name) => name.endsWith('.whole'));
  for (const name of whole) {
    const bytes = await readFile(join(folder, name));
    const line = bytes.indexOf('\n');
    const { length, sum } = JSON.parse(bytes.subarray(0, line).toString()) as { length: number; sum: string };
    const body = bytes.subarray(line + 1);
    if (body.length !== length || createHash('sha256').update(body).digest('hex') !== sum)
      throw new Error(`${name} is not whole: ${body.length} of ${length} bytes`);
  }
  return { whole: whole.length, others: names.filter((name) => !name.endsWith('.whole')) };
}

function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
