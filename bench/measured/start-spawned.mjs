/** As `start-thread.mjs`, with the threads of `multithreading`: what it shares reaches no others. */
import './peers/multithreading.mjs';
import { initRuntime, move, spawn } from 'multithreading';

let initialized = false;

/** `things` are moved, in this order, to the operations of `folder/peers/multithreading-ops.mjs`. */
export function startSpawned(folder, role, things, control) {
  if (!initialized) initRuntime({ maxWorkers: 8 });
  initialized = true;
  // It would warn of the words, which no lock of its own guards.
  console.warn = () => {};
  const at = (file) => new URL(`./${folder}/${file}`, import.meta.url).href;
  const outcome = spawn(
    move(at('roles.mjs'), at('peers/multithreading-ops.mjs'), role, control, ...things),
    async (rolesFile, opsFile, name, words, ...moved) => {
      const { roles } = await import(rolesFile);
      const ops = await import(opsFile);
      await roles[name](ops, ops.restoreAll(moved), words);
    },
  ).join();
  outcome.then((result) => {
    if (!result.ok) throw result.error;
  });
}
