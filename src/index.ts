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
