/** `heddle map`: from the plan to the exit code. */
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli-error.ts';
import { dispatch } from './dispatch.ts';
import { findWork } from './find-work.ts';
import { identityOf } from './identity.ts';
import { findInputs, type Inputs } from './inputs.ts';
import { ItemReader } from './item-reader.ts';
import { Journal, skipDone } from './journal.ts';
import { MapRun } from './map-run.ts';
import {
  DirectoryOutput,
  FileOutput,
  type Output,
  OutputClosed,
  outputMayShow,
  StandardOutput,
} from './output.ts';
import { outputNames } from './output-names.ts';
import type { MapPlan } from './plan.ts';
import type { Work } from './prepare.ts';
import { createProgress, noProgress, type Progress } from './progress.ts';
import { type SettledBlock, settle } from './settle.ts';
import { count, summaryJson, summaryText } from './summary.ts';
import { ThreadRunner } from './thread-runner.ts';

/** Runs the command; gives its exit code. A signal that aborts makes it write down what is done, and end. */
export async function mapCommand(plan: MapPlan, signal: AbortSignal): Promise<number> {
  const found = await findWork(plan);
  const inputs = await findInputs({ positionals: plan.inputs, kind: plan.inputKind, nul: plan.nul });
  const work: Work = { ...found, format: formatOf(plan) };
  const nameOf = outputNames(inputs.paths, plan.ext, plan.format === 'raw' ? '.txt' : '.json');
  if (plan.dryRun) {
    process.stdout.write(await describePlan(plan, inputs));
    return 0;
  }
  const journal =
    plan.journal === undefined
      ? undefined
      : await Journal.open(plan.journal, await identityOf(plan, work, inputs));
  try {
    const output = await openOutput(plan, journal, nameOf, signal);
    if (journal?.complete === true) return await nothingToDo(journal, output, plan);
    return await new MapCommand(plan, work, inputs, journal, output).run(signal);
  } finally {
    await journal?.close();
  }
}

function formatOf(plan: MapPlan): Work['format'] {
  if (plan.format === 'ndjson') return 'ndjson';
  return plan.outputDir === undefined ? 'lines' : 'raw';
}

async function openOutput(
  plan: MapPlan,
  journal: Journal | undefined,
  nameOf: (index: number) => string,
  signal: AbortSignal,
): Promise<Output> {
  if (plan.outputDir !== undefined)
    return new DirectoryOutput(plan.outputDir, { nameOf, durable: journal !== undefined });
  if (plan.output === undefined) return new StandardOutput(signal);
  return journal === undefined
    ? await FileOutput.replace(plan.output)
    : await FileOutput.resume(plan.output, journal.output);
}

async function nothingToDo(journal: Journal, output: Output, plan: MapPlan): Promise<number> {
  await output.finish();
  if (!plan.quiet)
    say(
      `Nothing to do: journal '${journal.path}' says that all ${count(journal.doneCount, 'item')} are done`,
    );
  return journal.failed > 0 ? 1 : 0;
}

async function describePlan(plan: MapPlan, inputs: Inputs): Promise<string> {
  const reader = new ItemReader(inputs.sources, inputs);
  const shown: string[] = (inputs.paths?.slice(0, 5) as string[] | undefined) ?? [];
  if (inputs.paths === undefined) {
    const { itemsOf } = await import('./block.ts');
    while (shown.length < 5) {
      const block = await reader.next(5 - shown.length);
      if (block === undefined) break;
      shown.push(...itemsOf(block).texts);
    }
    await reader.close();
  }
  const fn =
    plan.expression ??
    `${plan.module} (${plan.exportName === 'default' ? 'default export' : plan.exportName})`;
  const where = plan.output ?? plan.outputDir ?? 'standard output';
  const total = inputs.totalItems === undefined ? '' : `, ${inputs.totalItems.toLocaleString('en')} in all`;
  return [
    `function  ${fn}`,
    `constants ${JSON.stringify(plan.constants)}`,
    `inputs    ${inputs.kind}${total}`,
    ...shown.map((item) => `          ${item}`),
    ...((inputs.totalItems ?? shown.length) > 5 || (inputs.totalItems === undefined && shown.length === 5)
      ? ['          …']
      : []),
    `results   ${plan.format} to ${where}`,
    `threads   ${plan.threads}`,
    '',
  ].join('\n');
}

function say(line: string): void {
  process.stderr.write(`heddle: ${line}\n`);
}

class MapCommand {
  readonly #plan: MapPlan;
  readonly #work: Work;
  readonly #journal: Journal | undefined;
  readonly #progress: Progress;
  readonly #reader: ItemReader;
  readonly #run: MapRun;

  constructor(plan: MapPlan, work: Work, inputs: Inputs, journal: Journal | undefined, output: Output) {
    this.#plan = plan;
    this.#work = work;
    this.#journal = journal;
    const torn = output instanceof StandardOutput && outputMayShow();
    const bar = process.stderr.isTTY === true && !plan.quiet && !torn;
    this.#progress = bar ? createProgress() : noProgress;
    this.#reader = new ItemReader(inputs.sources, inputs);
    const { onError, threads } = plan;
    const { totalItems, totalBytes } = inputs;
    this.#run = new MapRun({
      output,
      journal,
      progress: this.#progress,
      onError,
      threads,
      totalItems,
      totalBytes,
      say,
    });
  }

  async run(signal: AbortSignal): Promise<number> {
    const stop = new AbortController();
    const stopped = AbortSignal.any([signal, stop.signal]);
    const runner = new ThreadRunner(this.#plan, this.#work, stopped);
    try {
      await this.#run.write(this.#settled(runner, stopped));
      await this.#run.finish(true);
      await runner.close(false);
    } catch (error) {
      stop.abort();
      if (error instanceof OutputClosed) return 0;
      return await this.#fail(error, signal, runner);
    }
    this.#tell();
    return this.#run.figures.failed > 0 ? 1 : 0;
  }

  /** All blocks that are still to be done. */
  #settled(runner: ThreadRunner, signal: AbortSignal): AsyncGenerator<SettledBlock, void, undefined> {
    const { ordered, threads, retries, timeout, timeoutText } = this.#plan;
    const ranges = [...(this.#journal?.done ?? [])];
    const limit =
      timeoutText === undefined ? {} : { limit: /\d$/.test(timeoutText) ? `${timeoutText}ms` : timeoutText };
    return dispatch({
      ordered,
      threads,
      signal,
      // A limit of time, and another try, are for single items.
      single: timeout !== undefined,
      settle: (block) => settle(block, { run: (one) => runner.run(one), retries, signal, ...limit }),
      next: async (max) => {
        while (ranges[0]?.first === this.#reader.position)
          await skipDone(ranges.shift()!, this.#journal!, async (items, hash) => {
            const skipped = await this.#reader.skip(items, hash);
            this.#run.passOver(skipped.bytes);
            return skipped.items;
          });
        const room = ranges[0] === undefined ? max : ranges[0].first - this.#reader.position;
        return await this.#reader.next(Math.min(max, room));
      },
    });
  }

  /** Keeps what was done, and says how to go on. */
  async #fail(error: unknown, signal: AbortSignal, runner: ThreadRunner): Promise<number> {
    this.#progress.clear();
    try {
      await this.#run.finish(false);
    } catch (second) {
      // The disk that is full is full for this too, and the first error says so already.
      if (signal.aborted) throw second;
    }
    await Promise.race([runner.close(true).catch(() => {}), delay(1000)]);
    const { figures } = this.#run;
    if (!signal.aborted) {
      if (!(error instanceof CliError)) throw error;
      say(error.message);
    }
    this.#tell();
    const written = `${count(figures.items, 'item')} done`;
    const next =
      this.#journal === undefined
        ? ''
        : `; the same command goes on where it was (journal '${this.#journal.path}')`;
    say(signal.aborted ? `interrupted with ${written}${next}` : `stopped with ${written}${next}`);
    return error instanceof CliError && !signal.aborted ? error.exitCode : 1;
  }

  #tell(): void {
    this.#progress.clear();
    const { quiet, stats, summary } = this.#plan;
    if (stats) process.stderr.write(summaryJson(this.#run.figures));
    else if (!quiet && (summary || process.stderr.isTTY === true))
      process.stderr.write(summaryText(this.#run.figures));
  }
}
