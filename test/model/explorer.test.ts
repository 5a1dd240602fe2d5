import { expect, test } from 'vitest';
import { call, describeReport, explore, step } from './explorer.ts';
type Modules = { mutex: typeof import('./fixtures/mutex.ts') };
const base = {
  modules: { mutex: 'test/model/fixtures/mutex.ts' },
  world: (memory: import('./explorer.ts').Memory, { mutex }: Modules) => {
    const word = memory.int32(1);
    return { word, lock: new mutex.Mutex(word), inside: 0 };
  },
  invariant: (world: { inside: number }) => { if (world.inside > 1) throw new Error('two inside'); },
};
function bodyOf(world: { inside: number; lock: { acquire(): void; release(): void } }) {
  return function* () {
    yield* call(world.lock.acquire());
    world.inside++;
    yield* step();
    world.inside--;
    yield* call(world.lock.release());
  };
}
test('two', async () => {
  const r = await explore({ ...base, name: 'two', threads: (w) => ({ a: bodyOf(w), b: bodyOf(w) }) });
  console.log(describeReport(r));
  const r3 = await explore({ ...base, name: 'three', preemptionBound: 3, threads: (w) => ({ a: bodyOf(w), b: bodyOf(w), c: bodyOf(w) }) });
  console.log(describeReport(r3));
  expect(r.exhausted).toBe(true);
});
