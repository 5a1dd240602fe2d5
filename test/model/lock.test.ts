import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { call, describeReport, type Exploration, explore, type Memory, type Steps } from './explorer.ts';
import {
  acquireBlocking,
  acquireOnLoop,
  critical,
  LOCK_MODULES,
  type LockModules,
  LockWorld,
  type Member,
  oneInside,
} from './fixtures/lock-model.ts';

type Model = Exploration<LockWorld, LockModules>;
type Role = 'blocked' | 'loop' | 'impatient' | 'impatient loop';

const NAMES = ['a', 'b', 'c'] as const;

function* act(world: LockWorld, name: string, member: Member, role: Role): Steps {
  const taken =
    role === 'blocked' || role === 'impatient'
      ? yield* acquireBlocking(member, role === 'impatient' ? 1 : Infinity)
      : yield* acquireOnLoop(world, member, role === 'impatient loop' ? 1 : Infinity);
  if (taken !== undefined) yield* critical(world, name, member, taken);
}

function model(name: string, roles: readonly Role[], more: Partial<Model> = {}): Model {
  return {
    name,
    modules: LOCK_MODULES,
    world: (memory: Memory, modules: LockModules) => new LockWorld(memory, modules),
    threads: (world) =>
      Object.fromEntries(
        roles.map((role, slot) => [
          NAMES[slot] as string,
          () => act(world, NAMES[slot] as string, world.members[slot] as Member, role),
        ]),
      ),
    invariant: oneInside,
    check: checkWhole,
    ...more,
  };
}

/** At the end nobody has it, and nobody is in the line. */
function checkWhole(world: LockWorld): void {
  assert.equal(world.words[world.object + 9], 0, 'the lock is not free');
  assert.equal(world.words[world.object + 6], 0, 'somebody is in the line');
  assert.equal(world.words[world.object + 2], 0, 'the section is held');
}

describe('LockWord', () => {
  test('two blocked threads', async () => {
    const report = await explore(model('lock, two blocked threads', ['blocked', 'blocked']));
    console.log(describeReport(report));
    expect(report.exhausted).toBe(true);
  });
  test('blocked thread and a loop', async () => {
    const report = await explore(model('lock, a blocked thread and a loop', ['blocked', 'loop']));
    console.log(describeReport(report));
  });
  test('two loops', async () => {
    const report = await explore(model('lock, two loops', ['loop', 'loop']));
    console.log(describeReport(report));
  });
});
void call;
