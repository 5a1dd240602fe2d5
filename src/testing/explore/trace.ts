/** What has happened in a schedule, for a reader. */
import type { Site } from './source.ts';

interface Line {
  readonly thread: string;
  readonly text: string;
  readonly place: string;
  note: string;
}

const MOST_LINES = 200;

export class Trace {
  #lines: Line[] = [];

  step(thread: string, { text, place }: Site): void {
    this.#lines.push({ thread, text, place, note: '' });
  }

  event(text: string): void {
    this.#lines.push({ thread: '', text: `-- ${text}`, place: '', note: '' });
  }

  /** Says more of the last step: `→ 1`. */
  note(text: string): void {
    const last = this.#lines.at(-1);
    if (last !== undefined) last.note = ` ${text}`;
  }

  /** Whether it tells the same. */
  equals(other: Trace): boolean {
    return this.toLines().join('\n') === other.toLines().join('\n');
  }

  toLines(): readonly string[] {
    const names = Math.max(...this.#lines.map(({ thread }) => thread.length), 0);
    const texts = Math.max(...this.#lines.map(({ text, note }) => text.length + note.length), 0);
    const lines = this.#lines.map(({ thread, text, place, note }, at) =>
      `${String(at + 1).padStart(4)}  ${thread.padEnd(names)}  ${(text + note).padEnd(Math.min(texts, 70))}  ${place}`.trimEnd(),
    );
    if (lines.length <= MOST_LINES) return lines;
    const left = lines.length - MOST_LINES;
    return [`      … ${left} steps before these`, ...lines.slice(left)];
  }
}
