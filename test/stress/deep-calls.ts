/** What both sides of the deep stack test know. */
import type { Token } from '../../src/thread/tokens.ts';

export const CALLS = [
  'tryAcquire',
  'acquireSync',
  'acquire',
  'release',
  'runSync',
  'run',
  'enter',
  'statistics',
  'timed',
  'dispose',
] as const;
export type Call = (typeof CALLS)[number];

export interface DeepData {
  readonly role: 'deep' | 'blocks' | 'awaits' | 'holds';
  readonly token: Token;
  /** 0: stop. 1 and 2: how often a partner had the lock, blocked and on its loop. 3: whether it is held. */
  readonly words: Int32Array;
}

/** Make a call at each depth near the limit, with the whole dive `pad` words deeper. */
export interface DiveRequest {
  readonly call: Call;
  readonly pad: number;
  /** After so many calls that did not overflow the dive ends. */
  readonly enough: number;
}

export interface DiveResult {
  readonly overflows: number;
  readonly others: number;
  /** The innermost frames of the overflows, and how often. */
  readonly where: Readonly<Record<string, number>>;
  /** Errors that nobody may get: what they say. */
  readonly wrong: readonly string[];
}
