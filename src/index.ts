/** The table of contents of heddle. */
import './all-kinds.ts';

export { transfer } from './codec/transfers.ts';
export {
  BrokenBarrierError,
  BrokenPoolError,
  CancelledError,
  CaptureError,
  DeadlockError,
  HeddleError,
  InvalidStateError,
  NotOwnerError,
  OwnerDiedError,
  PoolFullError,
  QueueShutDownError,
  SendError,
  ShutDownError,
  TaskGroupError,
  ThreadDiedError,
  TimeoutError,
} from './core/errors.ts';
export type { Guard } from './core/guard.ts';
export { type CallbackOptions, callback } from './crossing/callback.ts';
export { Shared } from './crossing/shared.ts';
export { defaultPool, setDefaultPool, toThread, toThreadSync } from './executor/default-pool.ts';
export { EventLoop } from './executor/event-loop.ts';
export {
  EventLoopPool,
  type EventLoopPoolOptions,
  type LoopStatistics,
  type Placement,
} from './executor/event-loop-pool.ts';
export { EventLoopThread, type LoopThreadOptions } from './executor/event-loop-thread.ts';
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
export { InlineExecutor, type InlineExecutorOptions } from './executor/inline-executor.ts';
export type { ThreadPoolOptions } from './executor/pool-options.ts';
export type { PoolStatistics } from './executor/pool-statistics.ts';
export { ThreadPoolExecutor } from './executor/thread-pool-executor.ts';
export { capture } from './function/capture.ts';
export { portable } from './function/portable.ts';
export { registerClass } from './function/register-class.ts';
export type { ClassCodec } from './function/registry.ts';
export type { ContextStorage } from './function/storage.ts';
export { currentThread, isMainThread } from './platform/thread-identity.ts';
export type { PutOptions } from './queue/ends.ts';
export { LifoQueue } from './queue/lifo-queue.ts';
export type {
  QueueOptions,
  QueueStatistics,
  ShutdownOptions as QueueShutdownOptions,
} from './queue/options.ts';
export { PriorityQueue } from './queue/priority-queue.ts';
export { Queue } from './queue/queue.ts';
export { all, type CombineOptions } from './scope/all.ts';
export { any } from './scope/any.ts';
export { asCompleted } from './scope/as-completed.ts';
export { cancelled, isCancelled, throwIfCancelled } from './scope/cancelled.ts';
export { currentTask } from './scope/current-task.ts';
export type { WaitOptions } from './scope/interruptible.ts';
export { outside } from './scope/outside.ts';
export { race } from './scope/race.ts';
export { Runner, type RunOptions, run } from './scope/run.ts';
export { shield } from './scope/shield.ts';
export { sleep } from './scope/sleep.ts';
export type { Task, TaskStatus } from './scope/task.ts';
export { TaskGroup, type TaskGroupOptions } from './scope/task-group.ts';
export { until } from './scope/until.ts';
export { untilSignal } from './scope/until-signal.ts';
export { type UntilOptions, wait } from './scope/wait.ts';
export { withTimeout } from './scope/with-timeout.ts';
export { Barrier, type BarrierOptions, type BarrierStatistics } from './sync/barrier.ts';
export { CapacityLimiter, type CapacityLimiterStatistics } from './sync/capacity-limiter.ts';
export { Condition, type ConditionOptions, type ConditionStatistics } from './sync/condition.ts';
export { Event, type EventStatistics } from './sync/event.ts';
export { Latch, type LatchStatistics } from './sync/latch.ts';
export { Lock, type LockStatistics } from './sync/lock.ts';
export { Once, type OnceStatistics } from './sync/once.ts';
export type { SyncWaitOptions } from './sync/permit-request.ts';
export { RLock, type WithinOptions } from './sync/rlock.ts';
export { RWLock, type RWLockSide, type RWLockStatistics } from './sync/rw-lock.ts';
export { type Selected, type SelectedFrom, select, selectSync, type ValueOf } from './sync/select.ts';
export {
  type PermitOptions,
  Semaphore,
  type SemaphoreOptions,
  type SemaphoreStatistics,
} from './sync/semaphore.ts';
export type { NameOptions } from './sync/shared-handle.ts';
export { type PerThread, type PerThreadOptions, perThread } from './thread/per-thread.ts';
export { fromToken, shared, type Token, toToken } from './thread/tokens.ts';
