/**
 * What the engine itself knows of a function: where it was written, and the variables that it sees there. Only Node has
 * an inspector that answers without being waited for; everywhere else nothing is known.
 *
 * **Cost.** Some 2 ms to load, then 0.3 ms for each function. The text of a script needs the debugger of V8, which goes
 * through all scripts there are: 20 to 80 ms the first time, 3 to 15 ms after that. It is off again when these return,
 * for with it every `await` takes ten times as long. Sessions are apart from each other: a debugger that is attached to the
 * process keeps its breakpoints.
 */
import { runtimeName } from './runtime.ts';

/** Variables that a function sees, with the values of now: of a block, a function, a module. */
export interface VariableScope {
  readonly kind: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Where a function was written, and what is around it. */
export interface Surroundings {
  readonly script: string;
  /** From 0, of the opening parenthesis or of the first parameter, in the script as it runs. */
  readonly line: number;
  readonly column: number;
  /** The innermost first; without the global one. */
  readonly scopes: readonly VariableScope[];
}

/** A piece of source as V8 has compiled it. */
export interface Script {
  readonly url: string;
  readonly source: string;
  readonly isModule: boolean;
  /** Where in its file it begins, from 0. */
  readonly startLine: number;
  readonly startColumn: number;
}

interface StackTrace {
  readonly callFrames: readonly { readonly scriptId: string; readonly url: string }[];
}

type Post = (method: string, params?: object) => Record<string, unknown>;

interface RemoteValue {
  readonly objectId?: string;
  readonly value?: unknown;
  readonly description?: string;
}

interface Property {
  readonly name: string;
  readonly value?: RemoteValue;
}

interface Parsed {
  readonly scriptId: string;
  readonly url: string;
  readonly isModule?: boolean;
  readonly startLine: number;
  readonly startColumn: number;
}

/** `undefined` if this runtime does not tell, or not for this function. */
export function surroundingsOf(fn: object): Surroundings | undefined {
  return inSession((post) => {
    const objectId = hold(post, fn);
    const properties = objectId === undefined ? [] : internalsOf(post, objectId);
    const place = locationIn(properties);
    if (place === undefined) return undefined;
    const scopes = properties.find(({ name }) => name === '[[Scopes]]')?.value?.objectId;
    return {
      script: place.scriptId,
      line: place.lineNumber,
      column: place.columnNumber,
      scopes: scopes === undefined ? [] : variableScopes(post, scopes),
    };
  });
}

/** In which scripts functions are written, by number; `undefined` where this is not known. Some 0.05 ms for each of many. */
export function scriptsOf(functions: readonly object[]): readonly (string | undefined)[] {
  return (
    inSession((post) => {
      const list = hold(post, functions);
      if (list === undefined) return undefined;
      const found: (string | undefined)[] = [];
      const { result } = post('Runtime.getProperties', { objectId: list, ownProperties: true });
      for (const { name, value } of result as readonly Property[]) {
        if (/^\d+$/.test(name) && value?.objectId !== undefined)
          found[Number(name)] = locationIn(internalsOf(post, value.objectId))?.scriptId;
      }
      return found;
    }) ?? []
  );
}

/** The value of a variable, in an array; `undefined` if there is none of that name, or it has no value yet. */
export function variableIn(scopes: readonly VariableScope[], name: string): readonly [unknown] | undefined {
  for (const { variables } of scopes) {
    try {
      if (Object.hasOwn(variables, name)) return [variables[name]];
    } catch (error) {
      if (error instanceof ReferenceError) return undefined; // its line has not run yet
      throw error;
    }
  }
  return undefined;
}

/** Of scripts, by number; empty for those of the runtime, and those that have none. */
const urls = new Map<string, string>();
const MOST_URLS = 10_000;

function noteUrl(script: string, url: string): void {
  if (urls.size >= MOST_URLS) urls.clear();
  urls.set(script, url.startsWith('node:') ? '' : url);
}

/** The URL of a script, if it has one; at little cost if code of it is on the stack. */
export function scriptUrl(script: string): string | undefined {
  if (!urls.has(script)) noteUrlsOnStack();
  if (!urls.has(script)) scriptOf(script);
  return urls.get(script) || undefined;
}

function noteUrlsOnStack(): void {
  inSession((post) => {
    post('Runtime.enable');
    // Of what is thrown, the session is told from where: in numbers of scripts as well.
    const { exceptionDetails } = post('Runtime.evaluate', { expression: 'throw undefined' });
    post('Runtime.disable');
    const { stackTrace } = exceptionDetails as { readonly stackTrace?: StackTrace };
    for (const { scriptId, url } of stackTrace?.callFrames ?? []) noteUrl(scriptId, url);
    return undefined;
  });
}

/** A script by its number. Not kept here: whoever asks keeps what it makes of it. */
export function scriptOf(script: string): Script | undefined {
  return inSession((post, listen) => {
    let parsed: Parsed | undefined;
    listen('Debugger.scriptParsed', (one) => {
      const { scriptId, url } = one as unknown as Parsed;
      if (scriptId === script) parsed = one as unknown as Parsed;
      noteUrl(scriptId, url);
    });
    post('Debugger.enable');
    try {
      if (parsed === undefined) return undefined;
      const { scriptSource } = post('Debugger.getScriptSource', { scriptId: script });
      const { url, isModule = false, startLine, startColumn } = parsed;
      return { url, source: String(scriptSource), isModule, startLine, startColumn };
    } finally {
      post('Debugger.disable');
    }
  });
}

const KEY = 'heddle.inspected';

/** What the session calls an object. */
function hold(post: Post, object: object): string | undefined {
  const holder = globalThis as { [KEY]?: unknown };
  holder[KEY] = object;
  try {
    // In a context of its own (`node:vm`) the global object is another, and nothing is found.
    const { result } = post('Runtime.evaluate', { expression: `globalThis['${KEY}']`, silent: true });
    return (result as RemoteValue).objectId;
  } finally {
    delete holder[KEY];
  }
}

/** The internal properties of a function, as the session sees them. */
function internalsOf(post: Post, objectId: string): readonly Property[] {
  const { internalProperties } = post('Runtime.getProperties', { objectId, ownProperties: true });
  return (internalProperties ?? []) as readonly Property[];
}

interface Location {
  readonly scriptId: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

function locationIn(properties: readonly Property[]): Location | undefined {
  return properties.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value as Location | undefined;
}

/** The session gives copies of them in objects of this very thread, with the values themselves. */
function variableScopes(post: Post, list: string): readonly VariableScope[] {
  const holder = globalThis as { [KEY]?: unknown };
  const scopes: VariableScope[] = [];
  const { result } = post('Runtime.getProperties', { objectId: list, ownProperties: true });
  try {
    for (const { name, value } of result as readonly Property[]) {
      if (!/^\d+$/.test(name) || value?.objectId === undefined || value.description === 'Global') continue;
      post('Runtime.callFunctionOn', {
        objectId: value.objectId,
        functionDeclaration: `function () { globalThis['${KEY}'] = this; }`,
        silent: true,
      });
      const { description = '', object } = (holder[KEY] ?? {}) as { description?: string; object?: object };
      if (typeof object === 'object')
        scopes.push({ kind: description, variables: object as Record<string, unknown> });
    }
  } finally {
    delete holder[KEY];
  }
  return scopes;
}

/**
 * Whether a debugger is attached to the process, or may be: by `--inspect`, or VS Code in its terminals. One that is attached
 * later (SIGUSR1) is known only where the inspector is loaded anyway: that takes 5 ms.
 */
export function isDebugged(): boolean {
  if (runtimeName !== 'node') return false;
  const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  if (flags.some((flag) => flag.startsWith('--inspect'))) return true;
  const isLikely = inspector !== undefined || process.env['VSCODE_INSPECTOR_OPTIONS'] !== undefined;
  return isLikely && openInspector()?.url() !== undefined;
}

type Listen = (event: string, listener: (params: Record<string, unknown>) => void) => void;

let inspector: typeof import('node:inspector') | null | undefined;

function openInspector(): typeof import('node:inspector') | null {
  inspector ??=
    (process.getBuiltinModule('node:inspector') as typeof import('node:inspector') | undefined) ?? null;
  return inspector;
}

/** `undefined` as well if there is no inspector, or the process is not permitted to use it. */
function inSession<T>(fn: (post: Post, listen: Listen) => T | undefined): T | undefined {
  const found = runtimeName === 'node' ? openInspector() : null;
  if (found === null) return undefined;
  const session = new found.Session();
  try {
    session.connect();
  } catch {
    return undefined; // not permitted
  }
  try {
    return fn(
      (method, params) => {
        // Within one thread it answers at once.
        let answer: Record<string, unknown> | undefined;
        session.post(method, params, (error: Error | null, result: unknown) => {
          if (error === null) answer = result as Record<string, unknown>;
        });
        if (answer === undefined) throw new Refused(method);
        return answer;
      },
      (event, listener) => {
        session.on(event, ({ params }: { params: Record<string, unknown> }) => listener(params));
      },
    );
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  } finally {
    session.disconnect();
  }
}

/** The inspector of this version of Node does not do that. */
class Refused extends Error {}
