/**
 * All exports of a module, by name. Where TypeScript was compiled to CommonJS (Node 20, no `"type": "module"` above the
 * file), what `import()` gives has them below its default export.
 */
export function exportsOf(module: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const inner = module['default'] as { readonly __esModule?: unknown } | null | undefined;
  if (typeof inner !== 'object' || inner === null || inner.__esModule !== true) return module;
  return inner as Readonly<Record<string, unknown>>;
}
