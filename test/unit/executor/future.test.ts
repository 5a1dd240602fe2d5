import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { CancelledError, Future, TaskGroup, TimeoutError } from '../../../src/index.ts';

describe('Future', () => {
  test('withResolvers() settles once: a second settle is false', async () => {
    const { future, resolve, reject } = Future.withResolvers<number>();
    expect(future.status).toBe('pending');
    expect(future.tryResult()).toBe(undefined);
    expect(resolve(1)).toBe(true);
    expect(resolve(2)).toBe(false);
    expect(reject(new Error('no'))).toBe(false);
    expect(future.status).toBe('fulfilled');
    expect(await future).toBe(1);
    expect(future.tryResult()).toEqual({ value: 1 });
  });

  test('resolve() refuses a thenable', () => {
    const { resolve } = Future.withResolvers<unknown>();
    expect(() => resolve(Promise.resolve(1))).toThrow(TypeError);
  });

  test('serves many waiters', async () => {
    const { future, resolve } = Future.withResolvers<string>();
    const waiting = Promise.all([future, future.result(), future.then((value) => value.length)]);
    resolve('all');
    expect(await waiting).toEqual(['all', 'all', 3]);
  });

  test('error() gives the error, or undefined after success', async () => {
    const failed = Future.withResolvers<number>();
    failed.reject(new RangeError('bad'));
    expect(await failed.future.error()).toMatchObject({ message: 'bad' });
    const succeeded = Future.withResolvers<number>();
    succeeded.resolve(1);
    expect(await succeeded.future.error()).toBe(undefined);
  });

  test('tryResult() throws the error of work that failed', () => {
    const { future, reject } = Future.withResolvers<number>();
    reject(new RangeError('bad'));
    expect(() => future.tryResult()).toThrow('bad');
  });

  test('result() that times out, or is aborted, leaves the work alone', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    await expect(future.result({ timeout: 0 })).rejects.toBeInstanceOf(TimeoutError);
    await expect(future.result({ signal: AbortSignal.abort('stop') })).rejects.toBe('stop');
    await expect(future.result({ timeout: -1 })).rejects.toBeInstanceOf(RangeError);
    resolve(5);
    expect(await future).toBe(5);
  });

  test('cancel() rejects with CancelledError whose cause is the reason; a settled future cannot be cancelled', async () => {
    const { future } = Future.withResolvers<number>();
    expect(future.cancel('why')).toBe(true);
    expect(future.cancel()).toBe(false);
    expect(future.status).toBe('cancelled');
    await expect(future).rejects.toMatchObject({ name: 'CancelledError', cause: 'why' });
  });

  test('await future is a wait of the task: it ends with its cancellation, and the work goes on', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    await TaskGroup.run(async (group) => {
      const waiting = group.spawn(async () => future);
      await Promise.resolve();
      waiting.cancel();
      await expect(Promise.resolve(waiting)).rejects.toBeInstanceOf(CancelledError);
    });
    expect(future.status).toBe('pending');
    resolve(1);
    expect(await future).toBe(1);
  });

  test('done callbacks run in order, never synchronously, and one that throws is reported while the others run', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { future, resolve } = Future.withResolvers<number>();
    const calls: string[] = [];
    future.addDoneCallback((self) => calls.push(`first ${self.tryResult()?.value}`));
    future.addDoneCallback(() => {
      throw new Error('callback');
    });
    const remove = future.addDoneCallback(() => calls.push('removed'));
    future.addDoneCallback(() => calls.push('last'));
    remove();
    resolve(7);
    expect(calls).toEqual([]);
    await Promise.resolve();
    expect(calls).toEqual(['first 7', 'last']);
    expect(warned).toHaveBeenCalledOnce();
    expect(warned.mock.calls[0]?.[0]).toMatchObject({ code: 'HEDDLE_CALLBACK_ERROR' });
    future.addDoneCallback(() => calls.push('late'));
    expect(calls).not.toContain('late');
    await Promise.resolve();
    expect(calls).toContain('late');
    warned.mockRestore();
  });

  test('is assignable where a future of something wider is wanted, as a promise is', () => {
    expectTypeOf<Future<number>>().toExtend<Future<unknown>>();
    expectTypeOf<Future<number>>().toExtend<Promise<number | string>>();
    expectTypeOf<Future<number>['catch']>().toBeCallableWith((error: RangeError) => error.message);
  });

  test('is a promise to those who ask, but not one to instanceof', () => {
    const { future } = Future.withResolvers<number>();
    expect(Object.prototype.toString.call(future)).toBe('[object Future]');
    expect(future).not.toBeInstanceOf(Promise);
  });
});
