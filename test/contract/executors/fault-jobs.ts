/** Ways for a thread to end that nobody asked for, at chosen moments. */
import { threadId } from 'node:worker_threads';
import { portable } from '../../../src/index.ts';
import { BEGUN, jobs, raise } from './jobs.ts';

/** `terminated`: it waits to be ended from outside. */
export type Fault = 'exit' | 'crash' | 'memory' | 'terminated';
export const FAULTS: readonly Fault[] = ['exit', 'crash', 'memory', 'terminated'];

function crash(): void {
  setImmediate(() => {
    throw new RangeError('on purpose');
  });
}

function end(fault: Fault): unknown {
  if (fault === 'exit') process.exit(3);
  if (fault === 'memory') return jobs.exhaustMemory();
  if (fault === 'crash') crash();
  return new Promise(() => {});
}

const functions = {
  /** The number by which the runtime knows this thread. */
  workerId(): number {
    return threadId;
  },

  during(fault: Fault, words: Int32Array): unknown {
    Atomics.store(words, BEGUN, threadId);
    return end(fault);
  },

  /** Answers, and ends its thread in the next turn. */
  after(fault: Fault): string {
    if (fault === 'crash') crash();
    else if (fault !== 'terminated') setImmediate(() => void end(fault));
    return 'answered';
  },

  /** Gives a result whose sending ends the thread. */
  sending(fault: Fault, words: Int32Array): unknown {
    return {
      get value(): unknown {
        Atomics.store(words, BEGUN, threadId);
        if (fault === 'exit') process.exit(3);
        if (fault === 'memory') jobs.exhaustMemory();
        for (;;);
      },
    };
  },

  // Initializers
  startExit(): unknown {
    return end('exit');
  },
  startCrash(): unknown {
    return end('crash');
  },
  startMemory(): unknown {
    return end('memory');
  },
  startTerminated(): unknown {
    return end('terminated');
  },

  /** The runaway regular expression: some hours. */
  runaway(words: Int32Array): boolean {
    raise(words, BEGUN);
    return /^(a+)+$/.test(`${'a'.repeat(60)}!`);
  },

  giveFunction(): (a: number, b: number) => number {
    return jobs.add;
  },

  giveInline(): () => number {
    return () => process.pid;
  },

  giveClosure(): () => number {
    const local = Math.random();
    return () => local;
  },
};

export const faults: typeof functions = portable(import.meta, functions);
export const INITIALIZERS: Readonly<Record<Fault, () => unknown>> = {
  exit: faults.startExit,
  crash: faults.startCrash,
  memory: faults.startMemory,
  terminated: faults.startTerminated,
};
