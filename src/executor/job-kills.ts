/** Jobs whose threads are to be ended by force, unless they end by themselves within their grace. */
import { nowWhileBlocked as now, startSystemTimer } from '../core/clock.ts';
import type { Job } from './job.ts';

interface Kill {
  readonly job: Job;
  readonly due: number;
}

export class JobKills {
  #kills: Kill[] = [];

  add(job: Job): void {
    const { grace } = job.options;
    const kill = { job, due: now() + grace };
    this.#kills.push(kill);
    startSystemTimer(grace, () => this.#end([kill]));
  }

  /** When the next of them is to be ended. */
  next(): number {
    return Math.min(Infinity, ...this.#kills.map(({ due }) => due));
  }

  /** For a thread that is blocked, whose timers do not fire. */
  endDue(): void {
    this.#end(this.#kills.filter(({ due }) => due <= now()));
  }

  #end(due: readonly Kill[]): void {
    this.#kills = this.#kills.filter((kill) => !due.includes(kill));
    for (const { job } of due) job.terminate();
  }
}
