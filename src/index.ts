/** The table of contents of heddle. */

export {
  BrokenPoolError,
  CancelledError,
  CaptureError,
  DeadlockError,
  HeddleError,
  InvalidStateError,
  PoolFullError,
  SendError,
  ShutDownError,
  TaskGroupError,
  ThreadDiedError,
  TimeoutError,
} from './core/errors.ts';
export { defaultPool, setDefaultPool, toThread } from './executor/default-pool.ts';
export type {
  AnyFunction,
  Executor,
  MapEntry,
  MapOptions,
  MapResults,
  OnCancel,
  OwnedExecutor,
  Remote,
  ShutdownOptions,
  SubmitOptions,
} from './executor/executor.ts';
export { Future, type FutureStatus } from './executor/future.ts';
export type { ThreadPoolOptions } from './executor/pool-options.ts';
export { type PoolStatistics, ThreadPoolExecutor } from './executor/thread-pool-executor.ts';
export { capture } from './function/capture.ts';
export { portable } from './function/portable.ts';
export { currentThread, isMainThread } from './platform/thread-identity.ts';
