/**
 * One measurement of one peer in a process of its own: `node child.mjs '<spec as JSON>'`. It prints one JSON line
 * with the figures, or fails with the error on stderr. Plain JavaScript, because it runs on Node 20 too.
 */
import { writeSync } from 'node:fs';

/** @type {import('./measurements.mjs').Spec} */
const spec = JSON.parse(process.argv[2] ?? '{}');
process.once('beforeExit', () => {
  writeSync(2, 'Error: a task was never answered, and nothing is left that could answer it\n');
  process.exit(1);
});
try {
  const folder = ['codec', 'groups', 'locks', 'queues', 'primitives'].find(
    (name) => spec[name] !== undefined,
  );
  const values = folder === undefined ? await measure() : await measureIn(folder);
  writeSync(1, `${JSON.stringify({ values })}\n`);
  // Not every peer can be shut down quickly or at all, and none of that is measured.
  process.exit(0);
} catch (error) {
  writeSync(2, `${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}

async function measure() {
  const { measurements } = await import('./measurements.mjs');
  const started = performance.now();
  const peer = await import(`./peers/${spec.peer}.mjs`);
  return measurements[spec.what](peer, spec, started);
}

/** Groups with peers of their own. */
async function measureIn(folder) {
  const { measurements } = await import(`./${folder}/measurements.mjs`);
  const peer = await import(`./${folder}/peers/${spec.peer}.mjs`);
  return measurements[spec[folder]](peer, spec);
}
