import { afterAll, describe, expect, test } from 'vitest';
import { CancelledError, NotOwnerError, TimeoutError } from '../../../src/core/errors.ts';
import { Condition } from '../../../src/sync/condition.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { RLock } from '../../../src/sync/rlock.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';

describe('wait and notify', () => {
  test('wait() lets the lock go, and has it again with the same guard when it was notified', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const wait = condition.wait(guard);
    expect(guard.released).toBe(true);
    expect(condition.statistics()).toEqual({ waiting: 1 });
    const other = condition.lock.tryAcquire()!;
    condition.notify(other);
    await turn();
    expect(guard.released).toBe(true);
    other.release();
    await wait;
    expect(guard.released).toBe(false);
    expect(condition.lock.locked).toBe(true);
    guard.release();
    expect(condition.lock.locked).toBe(false);
  });
});
