/**
 * Loads TypeScript modules in generator form, for the explorer.
 *
 * Relative imports among the transformed modules are followed; all others are imported as they are. The modules are
 * written to a fresh folder under `os.tmpdir()`, so every call of {@link loadModules} has module state of its own.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CallGraph } from './call-graph.ts';
import { GeneratorForm, RUNTIME } from './generator-form.ts';
import { modelQueueMicrotask, modelSetTimeout, withdraw } from './loop-event.ts';
import { ModelPromise } from './model-promise.ts';
import { AnySteps, AWAIT, announce, begin, current, sites } from './operations.ts';
import { ParsedModule } from './parsed-module.ts';

/** A change of one source text, to see that the exploration notices. */
export interface Mutation {
  /** Relative to the working directory. */
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface TransformOptions {
  /**
   * Whether an imported file (absolute path) is transformed; by default those that import `#atomics`, themselves or by
   * way of others. The files asked for always are.
   */
  readonly transformed?: ((path: string) => boolean) | undefined;
  readonly mutation?: Mutation | undefined;
}

/** Loads a module by the runtime itself, past the loader of a test runner. */
const loadNatively = createRequire(import.meta.url) as (path: string) => object;

/**
 * Imports `files` (relative to the working directory) in generator form: every function which may reach an atomic
 * operation returns a generator.
 * @throws Error with file and line where atomics stand in code that cannot be suspended.
 */
export function loadModules<M extends Record<string, object>>(
  files: Readonly<Record<keyof M & string, string>>,
  options: TransformOptions = {},
): M {
  const entries = Object.values<string>(files).map((file) => resolve(file));
  const modules = parseAll(entries, options);
  const texts = transformAll(modules);
  const folder = mkdtempSync(join(tmpdir(), 'heddle-model-'));
  Object.assign(globalThis, { [Symbol.for(RUNTIME)]: runtime });
  try {
    const names = new Map([...modules.keys()].map((path, at) => [path, `m${at}.mjs`]));
    for (const [path, text] of texts(names)) writeFileSync(join(folder, names.get(path)!), text);
    const loaded: Record<string, object> = {};
    for (const [name, file] of Object.entries<string>(files)) {
      loaded[name] = loadNatively(join(folder, names.get(resolve(file))!));
    }
    return loaded as M;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A module's text in generator form, for looking at. */
export function transformModule(file: string, options: TransformOptions = {}): string {
  const modules = parseAll([resolve(file)], options);
  const names = new Map([...modules.keys()].map((path) => [path, path]));
  return transformAll(modules)(names).get(resolve(file))!;
}

function transformAll(
  modules: ReadonlyMap<string, ParsedModule>,
): (names: ReadonlyMap<string, string>) => Map<string, string> {
  const graph = new CallGraph(modules);
  return (names) =>
    new Map(
      [...modules].map(([path, module]) => {
        const locate = (specifier: string): string => {
          const name = specifier.startsWith('.') ? names.get(module.resolve(specifier)) : undefined;
          return name === undefined ? locateOutside(specifier, module) : `./${name}`;
        };
        return [path, new GeneratorForm(module, graph, locate).toString()];
      }),
    );
}

/** The entries and the modules they import, as far as these are to be transformed. */
function parseAll(
  entries: readonly string[],
  { transformed, mutation }: TransformOptions,
): Map<string, ParsedModule> {
  const parsed = new Map<string, ParsedModule>();
  const mutated = mutation === undefined ? undefined : resolve(mutation.file);
  const visit = (path: string): void => {
    if (parsed.has(path) || !existsSync(path)) return;
    const edit = path === mutated ? (source: string) => mutate(source, mutation!) : undefined;
    const module = new ParsedModule(path, edit);
    parsed.set(path, module);
    for (const other of module.dependencies) {
      if (transformed === undefined || entries.includes(other) || transformed(other)) visit(other);
    }
  };
  for (const entry of entries) {
    if (!existsSync(entry)) throw new Error(`Cannot explore '${entry}': there is no such file`);
    visit(entry);
  }
  if (mutated !== undefined && !parsed.has(mutated)) {
    throw new Error(`Cannot mutate '${mutation!.file}': it is none of the transformed modules`);
  }
  if (transformed !== undefined) return parsed;
  const wanted = new Set(entries);
  for (let size = -1; size !== wanted.size; ) {
    size = wanted.size;
    for (const [path, module] of parsed) {
      if (module.usesAtomics || module.dependencies.some((each) => wanted.has(each))) wanted.add(path);
    }
  }
  return new Map([...parsed].filter(([path]) => wanted.has(path)));
}

function mutate(source: string, { file, find, replace }: Mutation): string {
  const parts = source.split(find);
  if (parts.length === 2) return parts.join(replace);
  throw new Error(`Cannot mutate '${file}': '${find}' occurs ${parts.length - 1} times; it must occur once`);
}

function locateOutside(specifier: string, module: ParsedModule): string {
  if (specifier.startsWith('.')) return pathToFileURL(module.resolve(specifier)).href;
  if (specifier.startsWith('node:')) return specifier;
  return pathToFileURL(createRequire(module.path).resolve(specifier)).href;
}

/** What transformed code is given. */
const runtime = {
  __announce: announce,
  __begin: begin,
  __Steps: AnySteps,
  __await(value: unknown): symbol {
    current.awaiting = value;
    return AWAIT;
  },
  __plain<T>(site: number, value: T): T {
    if (!(value instanceof AnySteps)) return value;
    // It may reach no atomic this time; then all is well.
    const { done, value: returned } = value.next();
    if (done === true) return returned as T;
    throw new Error(
      `Cannot explore ${sites[site]}: code with atomics is called where it cannot be suspended (constructor, getter, class field, callback of a built-in); move the call to a plain function or method`,
    );
  },
  __peek(site: number, array: Int32Array, index: number): number {
    if (current.name === '(outside)') return Atomics.load(array, index);
    throw new Error(
      `Cannot explore ${sites[site]}: a getter with an atomic is read by a thread; make it a method, or read it in a check`,
    );
  },
  Promise: ModelPromise,
  setTimeout: modelSetTimeout,
  clearTimeout: withdraw,
  queueMicrotask: modelQueueMicrotask,
};
