/** How far the long runs of shared objects go, and what is said of them. */
import { afterAll, expect, test } from 'vitest';
import { describeReport, type Exploration, explore } from '../model/explorer.ts';
import { withoutAllocator } from '../model/fixtures/heap-model.ts';

/**
 * Every schedule up to the bound of each model, or as many as the model says. The allocator is one step: `blocks.test.ts`
 * explores it.
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
    async (_, model) => {
      const report = await explore({ transformed: withoutAllocator, ...model });
      console.log(describeReport(report));
      schedules += report.schedules;
      expect(
        report.exhausted || report.schedules >= Number(model.sample?.schedules ?? model.maxSchedules),
      ).toBe(true);
    },
  );
}
