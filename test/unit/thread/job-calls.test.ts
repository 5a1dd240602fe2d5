import { expect, test } from 'vitest';
import { Lock, ThreadPoolExecutor } from '../../../src/index.ts';
import { freeJob } from '../../../src/jobs/job-block.ts';
import { payloadsOf } from '../../../src/jobs/payloads.ts';
import { CALL } from '../../../src/jobs/states.ts';
import { kindOfHandle } from '../../../src/memory/kinds.ts';
import { PARCEL, REFS } from '../../../src/memory/layout.ts';
import { ownParking } from '../../../src/park/own-parking.ts';
import { JobCalls } from '../../../src/thread/job-calls.ts';
import { usedBlocks } from '../../stress/heap-watch.ts';

test('a job that was cancelled before its thread began it gives back the shared objects in its arguments', async () => {
  await using pool = new ThreadPoolExecutor({ threads: 1 });
  const lock = new Lock();
  const address = (handle: object): number => kindOfHandle(handle)!.kind.enter(handle);
  const parking = ownParking();
  const { heap } = parking;
  const payloads = payloadsOf(parking);
  const object = address(lock);
  const job = payloads.makeJobOfWire(address(pool), payloads.wireOf([lock], 'args'), 'args', CALL);
  expect(heap.words[object + REFS]).toBe(2);
  new JobCalls(heap.words, payloads, () => expect.fail('nothing is fetched')).refuse(job);
  // As it does when a result is put where the arguments were: nothing is left to be opened there.
  expect(heap.words[object + REFS]).toBe(1);
  freeJob(heap, job);
  expect(usedBlocks()).not.toHaveProperty(`kind ${PARCEL}`);
  lock[Symbol.dispose]();
});
