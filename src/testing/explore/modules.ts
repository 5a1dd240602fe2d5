/** Modules of the user that are explored: they, and what they import by a relative path, are read and made anew. */
import { IMPORT } from '../../function/inline-text.ts';
import { type AnyFunction, registry } from '../../function/registry.ts';
import * as heddle from '../../index.ts';
import { importFrom, type Module, sourceText } from '../../platform/modules.ts';
import { parseModule } from '../../platform/parser.ts';
import { RUNTIME } from './expressions.ts';
import { META, MODULES, ModuleRewriter } from './module-rewriter.ts';
import { runtime } from './runtime.ts';
import { type Sites, Source } from './source.ts';

/** What tells the functions that an explored module makes portable from those of the module itself. */
const EXPLORED = '?explored';

type Make = (...given: unknown[]) => Promise<Module>;

interface ReadModule {
  readonly url: string;
  readonly make: Make;
  readonly exports: readonly string[];
  /** What each specifier leads to: another of these, or what was imported as it is. */
  readonly imports: ReadonlyMap<string, ReadModule | Module>;
}

export class Modules {
  readonly #sites: Sites;
  readonly #read = new Map<string, ReadModule>();
  /** Being read, from the first to what it imports. */
  readonly #path: string[] = [];
  readonly #roots = new Map<string, ReadModule>();
  /** Read for what they register. */
  readonly #needed: ReadModule[] = [];

  constructor(sites: Sites) {
    this.#sites = sites;
  }

  /** The names that explored functions may use because of these: those of the modules, and of what they export. */
  get names(): readonly string[] {
    return [...this.#roots].flatMap(([name, { exports }]) => [
      name,
      ...exports.filter((each) => each !== 'default'),
    ]);
  }

  /** @throws {TypeError} It is not there, or has what cannot be explored. */
  async add(name: string, url: string): Promise<void> {
    this.#roots.set(name, await this.#get(url));
  }

  /** The module of a portable function, which `portableOf` then gives. */
  async need(url: string): Promise<void> {
    this.#needed.push(await this.#get(url));
  }

  /** The function of that name that the module at `url` has registered when it was last made. */
  portableOf(url: string, name: string): AnyFunction {
    const fn = registry.functions.get(`${url}${EXPLORED}#${name}`);
    if (fn === undefined) throw new TypeError(`Cannot explore "${name}": ${url} does not register it`);
    return fn;
  }

  /** All of them anew, by the names that were given. */
  async make(): Promise<Record<string, Module>> {
    const made = new Map<ReadModule, Module>();
    const result: Record<string, Module> = {};
    for (const [name, root] of this.#roots) result[name] = await this.#make(root, made);
    for (const needed of this.#needed) await this.#make(needed, made);
    return result;
  }

  async #make(read: ReadModule, made: Map<ReadModule, Module>): Promise<Module> {
    const before = made.get(read);
    if (before !== undefined) return before;
    const given: Record<string, Module> = {};
    for (const [specifier, what] of read.imports)
      given[specifier] = isRead(what) ? await this.#make(what, made) : what;
    const load = (specifier: unknown): unknown => importFrom(String(specifier), read.url);
    const meta = {
      url: `${read.url}${EXPLORED}`,
      resolve: (specifier: string) => new URL(specifier, read.url).href,
    };
    const module = await read.make(runtime, load, meta, given);
    made.set(read, module);
    return module;
  }

  async #get(url: string): Promise<ReadModule> {
    const before = this.#read.get(url);
    if (before !== undefined) return before;
    if (this.#path.includes(url))
      throw new TypeError(
        `Cannot explore modules that import each other: ${[...this.#path, url].join(' → ')}; import a third, or pass what is needed`,
      );
    this.#path.push(url);
    const source = await sourceText(url);
    const name = decodeURIComponent(source.url.slice(source.url.lastIndexOf('/') + 1));
    const program = parseModule(source.text);
    const rewriter = new ModuleRewriter(new Source(source.text, 0, name, this.#sites));
    const { body, specifiers, exports } = rewriter.module(program);
    const imports = new Map<string, ReadModule | Module>();
    for (const specifier of specifiers) imports.set(specifier, await this.#import(specifier, source.url));
    // biome-ignore lint/security/noGlobalEval: the module is the user's own, and this is how it is made anew
    const indirect = globalThis.eval;
    const make = indirect(
      `"use strict"; (async (${RUNTIME}, ${IMPORT}, ${META}, ${MODULES}) => {${body}\n})\n//# sourceURL=${source.url}`,
    ) as Make;
    this.#path.pop();
    const read: ReadModule = { url: source.url, make, exports, imports };
    this.#read.set(url, read);
    return read;
  }

  async #import(specifier: string, from: string): Promise<ReadModule | Module> {
    if (specifier === 'heddle') return heddle as unknown as Module;
    if (/^\.{1,2}\//.test(specifier)) return await this.#get(new URL(specifier, from).href);
    return await importFrom(specifier, from);
  }
}

function isRead(what: ReadModule | Module): what is ReadModule {
  return (
    typeof (what as Partial<ReadModule>).make === 'function' && (what as ReadModule).imports instanceof Map
  );
}
