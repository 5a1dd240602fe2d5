/** Which JavaScript runtime this is, and what it can do. Facts about runtimes stand here and nowhere else. */

export type RuntimeName = 'node' | 'bun' | 'deno';

const globals = globalThis as { Bun?: unknown; Deno?: unknown };

export const runtimeName: RuntimeName =
  globals.Bun !== undefined ? 'bun' : globals.Deno !== undefined ? 'deno' : 'node';

/** Whether the runtime loads TypeScript by itself: Bun and Deno always, Node from 22.18 on. */
export const loadsTypeScript: boolean =
  runtimeName !== 'node' || Boolean((process.features as { typescript?: unknown }).typescript);
