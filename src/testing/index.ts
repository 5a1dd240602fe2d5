/** `heddle/testing`: what tests of code need that waits. */
export {
  type Ending,
  type Exploration,
  type ExploredThread,
  ExploreError,
  type ExploreReport,
  explore,
} from './explore.ts';
export { type NoLeaksOptions, noLeaks } from './leaks.ts';
export { Sequencer, type Turn } from './sequencer.ts';
export { type HasWaiters, type UntilBlockedOptions, untilBlocked } from './until-blocked.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
