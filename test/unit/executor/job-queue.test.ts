import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JobQueue, type Queued } from '../../../src/executor/job-queue.ts';

interface Entry extends Queued {
  readonly id: number;
}

let nextId = 0;

function entry(priority: number): Entry {
  return { id: nextId++, priority, links: undefined };
}

describe('JobQueue', () => {
  test('gives the lowest priority first, and ties in the order of arrival', () => {
    const queue = new JobQueue<Entry>();
    const [a, b, c, d] = [entry(1), entry(0), entry(1), entry(-1)];
    for (const one of [a, b, c, d]) queue.add(one);
    expect([queue.take(), queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([
      d,
      b,
      a,
      c,
      undefined,
    ]);
  });

  test('behaves like a sorted list, whatever is added, taken and removed', () => {
    const operation = fc.oneof(
      fc.record({ type: fc.constant('add' as const), priority: fc.integer({ min: -2, max: 2 }) }),
      fc.record({ type: fc.constant('addFirst' as const), priority: fc.integer({ min: -2, max: 2 }) }),
      fc.record({ type: fc.constant('take' as const) }),
      fc.record({ type: fc.constant('remove' as const), index: fc.nat(10) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const queue = new JobQueue<Entry>();
        let model: Entry[] = [];
        for (const step of operations) {
          if (step.type === 'take') expect(queue.take()).toBe(model.shift());
          else if (step.type === 'remove') {
            const victim = model[step.index];
            if (victim === undefined) continue;
            queue.remove(victim);
            queue.remove(victim);
            model = model.filter((one) => one !== victim);
          } else {
            const made = entry(step.priority);
            const place = (one: Entry): boolean =>
              step.type === 'add' ? one.priority > made.priority : one.priority >= made.priority;
            const index = model.findIndex(place);
            model.splice(index === -1 ? model.length : index, 0, made);
            if (step.type === 'add') queue.add(made);
            else queue.addFirst(made);
          }
          expect(queue.size).toBe(model.length);
          expect([...queue]).toEqual(model);
        }
      }),
      { seed: 20261121 },
    );
  });
});
