/** How far the long runs of shared objects go, and what is said of them. `npm run explore` goes the whole way. */
import { afterAll, expect, test } from 'vitest';
import { describeReport, type Exploration, explore } from '../model/explorer.ts';
import { withoutAllocator } from '../model/fixtures/heap-model.ts';

const WHOLE = process.env['HEDDLE_EXPLORE'] === 'whole';

/** Without the whole way: so many schedules of a model that is searched, and such a part of one that is sampled. */
const MOST = 15_000;
const PART = 1 / 10;

function shortened<World, Modules extends Record<string, object>>(
  model: Exploration<World, Modules>,
): Exploration<World, Modules> {
  if (WHOLE) return model;
  const { sample, maxSchedules = MOST } = model;
  if (sample === undefined) return { ...model, maxSchedules: Math.min(maxSchedules, MOST) };
  return { ...model, sample: { ...sample, schedules: Math.ceil(sample.schedules * PART) } };
}

/**
 * Every schedule up to the bound of each model, or as many as the model says; or a part of them. The allocator is one
 * step: `blocks.test.ts` explores it.
 */
export function exploreAtLength<World, Modules extends Record<string, object>>(
  algorithm: string,
  models: readonly Exploration<World, Modules>[],
): void {
  let schedules = 0;
  afterAll(() => console.log(`${algorithm}: ${schedules.toLocaleString('en')} schedules in all`));
  test.each(models.map((model) => [model.name, model] as const))(
    '%s',
    { timeout: 600_000 },
    async (_, long) => {
      const model = shortened(long);
      const report = await explore({ transformed: withoutAllocator, ...model });
      console.log(describeReport(report));
      schedules += report.schedules;
      expect(
        report.exhausted || report.schedules >= Number(model.sample?.schedules ?? model.maxSchedules),
      ).toBe(true);
    },
  );
}
