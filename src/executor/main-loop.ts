/** The loop of the main thread, as it is told to threads that are started: they find it by that. */
import { isMainLoop } from '../platform/worker.ts';
import { knownMainLoop, setMainLoop } from '../thread/own-runner.ts';
import type { MainLoop } from '../thread/protocol.ts';

let enter: (() => MainLoop) | undefined;

/** Says how the loop of this thread enters the shared memory: `event-loop.ts` does. */
export function enterMainLoopBy(entering: () => MainLoop): void {
  enter = entering;
}

/** For the settings of a thread. `undefined` if this thread does not know it itself. */
export function mainLoopForThreads(): MainLoop | undefined {
  if (isMainLoop && knownMainLoop() === undefined && enter !== undefined) setMainLoop(enter());
  return knownMainLoop();
}
