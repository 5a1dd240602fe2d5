/** The functions that are explored: read, checked as if they went to a thread, rewritten and made anew. */
import type { AnyNode } from 'acorn';
import { CaptureError } from '../../core/errors.ts';
import { freeVariables } from '../../function/free-variables.ts';
import { label, readInline } from '../../function/inline.ts';
import { counters, setName } from '../../function/inline-evaluation.ts';
import { COVERAGE, IMPORT, NAME } from '../../function/inline-text.ts';
import { type AnyFunction, type Mark, registry } from '../../function/registry.ts';
import * as heddle from '../../index.ts';
import { isRewrittenImport, isRewrittenStaticImport } from '../../platform/dev-server.ts';
import { importFrom } from '../../platform/modules.ts';
import { parseModule } from '../../platform/parser.ts';
import { RUNTIME, USING_CONTEXT } from './expressions.ts';
import { Modules } from './modules.ts';
import { Rewriter } from './rewriter.ts';
import { runtime } from './runtime.ts';
import { childrenOf, newSites, RESULT, type Sites, Source } from './source.ts';

/** What tools put into functions, and is there for them. */
const PROVIDED: ReadonlySet<string> = new Set([IMPORT, NAME, COVERAGE, '__using', '__callDispose']);
const USES = '__heddle_uses__';
const ALL = '__heddle_all__';

const ours: ReadonlySet<unknown> = new Set(Object.values(heddle));

/** What one schedule runs, made anew for it. */
export interface Instance {
  readonly functions: readonly AnyFunction[];
  /** What the functions take from their surroundings by name; those that are explored as they are. */
  readonly uses: Readonly<Record<string, unknown>>;
}

export interface Code {
  readonly sites: Sites;
  make(): Promise<Instance>;
}

/**
 * `base`: the file in which the functions stand. `modules` by the names that they are given, with their URLs.
 *
 * @throws {CaptureError} A function uses what it is not given.
 * @throws {TypeError} One cannot be read, or has what cannot be explored.
 */
export async function readCode(
  functions: readonly (readonly [name: string, fn: AnyFunction])[],
  uses: Readonly<Record<string, unknown>>,
  modules: ReadonlyMap<string, string>,
  base: string | undefined,
): Promise<Code> {
  const sites = newSites();
  const read = new Modules(sites);
  for (const [name, url] of modules) await read.add(name, url);
  const names = [...new Set([...Object.keys(uses), ...read.names.filter(isName)])];
  for (const name of names)
    if (!isName(name))
      throw new TypeError(`Cannot explore with ${JSON.stringify(name)}: it is no name that code could use`);
  const served = new Set<string>();
  const write = (fn: AnyFunction, name: string): string => expressionOf(fn, name, names, sites, served);
  const threads: string[] = [];
  for (const [name, fn] of functions) {
    const mark = markElsewhere(fn, base);
    if (mark !== undefined) await read.need(mark.url);
    threads.push(mark === undefined ? write(registry.captures.get(fn)?.fn ?? fn, name) : 'undefined');
  }
  const own = Object.entries(uses)
    .filter(([, value]) => isToExplore(value))
    .map(([name, value]) => `${name} = ${write(value as AnyFunction, name)};`);
  const text = `"use strict";((${RUNTIME}, ${IMPORT}, ${NAME}, ${COVERAGE}, ${USES}) => {
${names.length === 0 ? '' : `let { ${names.join(', ')} } = ${USES};`}
const ${ALL} = { ${names.map((name) => `get ${name}() { return ${name}; }`).join(', ')} };
${[...served].map((name) => `const ${name} = ${ALL};`).join('\n')}
${own.join('\n')}
return { functions: [${threads.join(',\n')}], uses: { ...${ALL} } };
})
//# sourceURL=heddle:explore`;
  // biome-ignore lint/security/noGlobalEval: the functions are the test's own, and this is how they are made anew
  const indirect = globalThis.eval;
  const instantiate = indirect(text) as (...given: unknown[]) => Instance;
  const load = (specifier: unknown, options?: unknown): unknown =>
    importFrom(String(specifier), base, options);
  return {
    sites,
    async make() {
      const made = await read.make();
      const given = Object.assign({}, ...Object.values(made), made, uses) as object;
      const instance = instantiate(runtime, load, setName, counters, given);
      const bound = instance.functions.map((fn, index) => {
        const given = functions[index]![1];
        const mark = markElsewhere(given, base);
        if (mark !== undefined) return read.portableOf(mark.url, mark.name);
        const captured = registry.captures.get(given);
        return captured === undefined ? fn : withValues(fn, captured.values);
      });
      return { functions: bound, uses: instance.uses };
    },
  };
}

/** Where a portable function comes from, if that is not the very file that explores: it would be run again. */
function markElsewhere(fn: AnyFunction, base: string | undefined): Mark | undefined {
  const mark = registry.marks.get(fn);
  return mark === undefined || mark.url.replace(/\?.*$/s, '') === base ? undefined : mark;
}

function isName(name: string): boolean {
  try {
    parseModule(`let ${name};`);
    return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name);
  } catch {
    return false;
  }
}

/** As `capture()`: the values come first. */
function withValues(fn: AnyFunction, values: object): AnyFunction {
  return runtime.explored(
    function (this: unknown, ...args: never[]) {
      return runtime.apply(RESULT, fn, undefined, [values, ...args]);
    },
    false,
    fn.name,
  );
}

/** Functions and classes of the user. Those of heddle are, and do, what they always do. */
function isToExplore(value: unknown): boolean {
  if (typeof value !== 'function' || ours.has(value)) return false;
  return !/\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(value));
}

function expressionOf(
  fn: AnyFunction,
  name: string,
  uses: readonly string[],
  sites: Sites,
  served: Set<string>,
): string {
  const text = Function.prototype.toString.call(fn);
  const expression = /^class\b/.test(text) ? text : readInline(text, fn.name).expression;
  const whole = `(${expression}\n)`;
  const root = (parseModule(whole).body[0] as unknown as { expression: AnyNode }).expression;
  checkFree(root, name, uses, served);
  const source = new Source(whole, 1, name, sites);
  const rewritten = new Rewriter(source).rewrite(root);
  return fn.name === '' ? rewritten : `${NAME}(${rewritten}, ${JSON.stringify(fn.name)})`;
}

/** @throws CaptureError */
function checkFree(root: AnyNode, name: string, uses: readonly string[], served: Set<string>): void {
  const given = new Set(uses);
  const missing = new Set<string>();
  for (const variable of freeVariables(root).names) {
    if (isRewrittenStaticImport(variable)) {
      served.add(variable);
      for (const member of membersOf(root, variable)) if (!given.has(member)) missing.add(member);
    } else if (!given.has(variable) && !(variable in globalThis) && !isProvided(variable))
      missing.add(variable);
  }
  if (missing.size === 0) return;
  const names = [...missing];
  throw new CaptureError(
    `Cannot explore ${label(name)}: it uses ${names.map((each) => `"${each}"`).join(', ')} from its surroundings; ` +
      `say so with uses: { ${names.join(', ')} }, or pass it in what setup() gives (a function of a library, which is not to be explored, as a property of an object)`,
    names,
  );
}

function isProvided(name: string): boolean {
  return PROVIDED.has(name) || isRewrittenImport(name) || /^cov_[\da-z]{6,}$/.test(name);
}

/** The properties of a module that are used; not those of vite's helper for `using`. */
function membersOf(node: AnyNode, variable: string): string[] {
  if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && USING_CONTEXT.test(node.id.name))
    return [];
  if (node.type === 'MemberExpression' && node.object.type === 'Identifier' && node.object.name === variable)
    return node.property.type === 'Identifier' && !node.computed ? [node.property.name] : ['*'];
  return childrenOf(node).flatMap((each) => membersOf(each, variable));
}
