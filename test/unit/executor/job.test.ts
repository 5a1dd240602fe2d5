import { describe, expect, test } from 'vitest';
import { Job, type JobOwner } from '../../../src/executor/job.ts';
import { defaultJobOptions } from '../../../src/executor/job-options.ts';
import { SENT } from '../../../src/executor/work.ts';
import { Scope } from '../../../src/scope/scope.ts';

const owner: JobOwner = {
  withdrawn: () => {},
  terminate: () => {},
  isRunning: () => true,
  whereabouts: () => 'nowhere',
  ranFor: () => undefined,
  ended: () => {},
  block: () => false,
  awaited: () => undefined,
};

function makeJob(): Job {
  const job = new Job(
    { id: 0, reference: { value: undefined! }, name: 'job' },
    SENT,
    defaultJobOptions,
    owner,
  );
  job.scope = new Scope(undefined);
  return job;
}

/** Something that has come with a result, and what became of it. */
function bound(): { readonly became: string[]; attachTo(): void; drop(): void } {
  const became: string[] = [];
  return { became, attachTo: () => became.push('attached'), drop: () => became.push('dropped') };
}

describe('what comes with the result of a job', () => {
  test('ends with the scope of the job', () => {
    const one = bound();
    makeJob().receives([one], true);
    expect(one.became).toEqual(['attached']);
  });

  test('is dropped if nobody gets the result, for the job was cancelled', async () => {
    const one = bound();
    const job = makeJob();
    job.future.cancel();
    job.receives([one], true);
    expect(one.became).toEqual(['dropped']);
    await job.future.error();
  });
});
