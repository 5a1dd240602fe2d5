import { expect, test } from 'vitest';
import * as errors from '../../../src/core/errors.ts';

const { HeddleError, TaskGroupError, CancelledError, TimeoutError, ThreadDiedError } = errors;

test('every error has a stable code and the name of its class', () => {
  const made = [
    new CancelledError('m'),
    new TimeoutError('m'),
    new errors.CaptureError('m', ['x']),
    new errors.SendError('m', 'args[0]'),
    new ThreadDiedError('m', { reason: 'exit', exitCode: 1 }),
    new errors.BrokenPoolError('m'),
    new errors.PoolFullError('m'),
    new errors.ShutDownError('m'),
    new errors.InvalidStateError('m'),
    new errors.DeadlockError('m'),
    new TaskGroupError([]),
  ];
  expect(made.map(({ name, code }) => [name, code])).toEqual([
    ['CancelledError', 'ERR_HEDDLE_CANCELLED'],
    ['TimeoutError', 'ERR_HEDDLE_TIMEOUT'],
    ['CaptureError', 'ERR_HEDDLE_CAPTURE'],
    ['SendError', 'ERR_HEDDLE_SEND'],
    ['ThreadDiedError', 'ERR_HEDDLE_THREAD_DIED'],
    ['BrokenPoolError', 'ERR_HEDDLE_BROKEN_POOL'],
    ['PoolFullError', 'ERR_HEDDLE_POOL_FULL'],
    ['ShutDownError', 'ERR_HEDDLE_SHUT_DOWN'],
    ['InvalidStateError', 'ERR_HEDDLE_INVALID_STATE'],
    ['DeadlockError', 'ERR_HEDDLE_DEADLOCK'],
    ['TaskGroupError', 'ERR_HEDDLE_TASK_GROUP'],
  ]);
  for (const error of made) expect(error).toBeInstanceOf(HeddleError);
});

test('TaskGroupError is an AggregateError, counts as a HeddleError and nothing else does', () => {
  const group = new TaskGroupError([new RangeError('one'), new TypeError('two')]);
  expect(group).toBeInstanceOf(AggregateError);
  expect(group).toBeInstanceOf(HeddleError);
  expect(group).not.toBeInstanceOf(CancelledError);
  expect(new AggregateError([])).not.toBeInstanceOf(HeddleError);
  expect(new Error('plain')).not.toBeInstanceOf(HeddleError);
  expect(group.cause).toBe(group.errors[0]);
  expect(group.message).toBe('2 tasks of the group failed, the first: one');
});

test('TaskGroupError.find() gives the first error of a class, from nested groups too', () => {
  const died = new ThreadDiedError('gone', { reason: 'memory', exitCode: 1 });
  const group = new TaskGroupError([new TypeError('one'), new TaskGroupError([died])]);
  expect(group.find(ThreadDiedError)).toBe(died);
  expect(group.find(RangeError)).toBe(undefined);
});
