/**
 * The functions that compilers add to a module for what older JavaScript lacks: `__awaiter`, `__spreadValues`,
 * `_async_to_generator`. An inline function that uses them was written without them, so they are sent along with it: as the
 * module has them, with what they use themselves.
 */

import { surroundingsOf, type VariableScope, variableIn } from '../platform/inspector.ts';
import { BoundedCache } from './bounded-cache.ts';
import { type CapturedName, type InlineSource, readInline } from './inline.ts';
import { pathOfNative } from './native-paths.ts';
import type { AnyFunction } from './registry.ts';

/** Of TypeScript (and tslib) and of esbuild. */
const UNDERSCORED: ReadonlySet<string> = new Set(
  `accessCheck addDisposableResource assign async asyncDelegator asyncGenerator asyncValues await awaiter callDispose
  classPrivateFieldGet classPrivateFieldIn classPrivateFieldSet commonJS copyProps createBinding decorate decorateClass
  decorateElement decorateParam decoratorMetadata decoratorStart defNormalProp defProp defProps disposeResources
  earlyAccess esDecorate export exportStar extends forAwait generator getOwnPropDescs getOwnPropSymbols glob hasOwnProp
  importDefault importStar knownSymbol makeTemplateObject metadata objRest param pow privateAdd privateGet privateIn
  privateMethod privateSet privateWrapper propIsEnum propKey publicField read reExport rest restKey
  rewriteRelativeImportExtension runInitializers setFunctionName spread spreadArray spreadArrays spreadProps spreadValues
  superGet superSet superWrapper template toCommonJS toESM typeError using values yieldStar`.split(/\s+/),
);

/** Of swc, which writes them with underscores, and of Babel and oxc, which write the same in camel case. */
const SPELLED_BOTH_WAYS: ReadonlySet<string> = new Set(
  `apply_decorated_descriptor apply_decs_2203_r apply_decs_2305 apply_decs_2311 array_like_to_array array_with_holes
  array_without_holes assert_class_brand assert_this_initialized async_generator async_generator_delegate
  async_generator_step async_iterator async_to_generator await_async_generator await_value call_super
  check_in_rhs check_private_redeclaration class_apply_descriptor_destructure class_apply_descriptor_get
  class_apply_descriptor_set class_apply_descriptor_update class_call_check class_check_private_static_access
  class_check_private_static_field_descriptor class_extract_field_descriptor class_name_tdz_error
  class_private_field_destructure class_private_field_get class_private_field_get2 class_private_field_init
  class_private_field_init_spec class_private_field_loose_base class_private_field_loose_key class_private_field_set
  class_private_field_set2 class_private_field_update class_private_getter class_private_method_get
  class_private_method_init class_private_method_init_spec class_private_method_set class_private_setter
  class_static_private_field_destructure class_static_private_field_spec_get class_static_private_field_spec_set
  class_static_private_field_update class_static_private_method_get construct create_class
  create_for_of_iterator_helper create_for_of_iterator_helper_loose create_super decorate defaults define_accessor
  define_enumerable_properties define_property dispose extends get get_prototype_of identity inherits inherits_loose
  initializer_define_property instanceof interop_require_default interop_require_wildcard
  is_native_function is_native_reflect_construct iterable_to_array iterable_to_array_limit new_arrow_check
  non_iterable_rest non_iterable_spread null_ish object_destructuring_empty object_spread object_spread2 object_spread_props
  object_without_properties object_without_properties_loose overload_yield possible_constructor_return read_only_error
  set set_function_name set_prototype_of skip_first_generator_next sliced_to_array sliced_to_array_loose super_prop_base
  super_prop_get super_prop_set tagged_template_literal tagged_template_literal_loose template_object throw to_array
  to_consumable_array to_primitive to_property_key to_set_function_name ts_add_disposable_resource ts_decorate
  ts_dispose_resources ts_generator ts_metadata ts_param ts_values type_of typeof unsupported_iterable_to_array update using
  using_ctx wrap_async_generator wrap_native_super wrap_reg_exp write_only_error`
    .split(/\s+/)
    .map((name) => name.replaceAll('_', '')),
);

/** Whether compilers call a helper so; a number at its end says that there are several. */
export function isHelperName(name: string): boolean {
  const bare = /^__?([a-z]\w*?)\d*$/i.exec(name)?.[1];
  if (bare === undefined) return false;
  if (name.startsWith('__')) return UNDERSCORED.has(bare);
  return SPELLED_BOTH_WAYS.has(bare.replaceAll('_', '').toLowerCase());
}

/** Whether it is a helper, or a module of which only helpers are used: `tslib_1`. */
function isHelper({ name, members }: CapturedName): boolean {
  return isHelperName(name) || members?.every(isHelperName) === true;
}

/** What is before the text of a function to which helpers have been added: one line, so that its lines stay what they are. */
export const HELPED = '(()=>{const __heddle_inline__=()=>(';

const known = new BoundedCache<string, InlineSource>(1000);

/**
 * `inline`, which is the source of `fn`, with the helpers that it uses. It captures what is left. As it is, if they cannot
 * be had in this runtime.
 */
export function withHelpers(inline: InlineSource, fn: AnyFunction): InlineSource {
  if (!inline.free.some(isHelper)) return inline;
  // The same text uses the same helpers: whichever compiler made them, they do the same.
  return known.getOrMake(inline.expression, () => addHelpers(inline, fn));
}

function addHelpers(inline: InlineSource, fn: AnyFunction): InlineSource {
  const scopes = surroundingsOf(fn)?.scopes ?? [];
  const writer = new HelperWriter();
  const declarations: string[] = [];
  const brought = new Set<CapturedName>();
  for (const one of inline.free) {
    if (!isHelper(one)) continue;
    const declaration = writer.declare(one, scopes);
    if (declaration === undefined) continue;
    declarations.push(declaration);
    brought.add(one);
  }
  if (brought.size === 0) return inline;
  return {
    ...inline,
    expression: `${HELPED}${inline.expression}\n);${declarations.join('')}return __heddle_inline__()})()`,
    free: inline.free.filter((one) => !brought.has(one)),
  };
}

class HelperWriter {
  /** Those being written now: helpers that use one another cannot be. */
  readonly #open = new Set<unknown>();

  /** A statement that declares `captured` with the value that it has in `scopes`; `undefined` if there is none. */
  declare(captured: CapturedName, scopes: readonly VariableScope[]): string | undefined {
    const found = variableIn(scopes, captured.name);
    if (found === undefined) return undefined;
    const value = this.#write(found[0], captured.members);
    // Some put a faster one in their own place when they are first called.
    return value === undefined ? undefined : `let ${captured.name}=${value};`;
  }

  #write(value: unknown, members: readonly string[] | undefined): string | undefined {
    if (typeof value === 'function') return this.#function(value as AnyFunction);
    if (Array.isArray(value)) return templateStrings(value);
    if (typeof value !== 'object' || value === null) return primitive(value);
    if (members === undefined) return undefined;
    const fields = members.map((key) => {
      const field = this.#write((value as Record<string, unknown>)[key], undefined);
      return field === undefined ? undefined : `${JSON.stringify(key)}:${field}`;
    });
    return fields.includes(undefined) ? undefined : `{${fields.join()}}`;
  }

  #function(fn: AnyFunction): string | undefined {
    const native = pathOfNative(fn);
    if (native !== undefined) return native;
    if (this.#open.has(fn)) return undefined;
    this.#open.add(fn);
    try {
      const { expression, free } = readInline(Function.prototype.toString.call(fn), fn.name);
      if (free.length === 0) return `(${ownName(expression)}\n)`;
      const scopes = surroundingsOf(fn)?.scopes ?? [];
      const declarations = free.map((one) => this.declare(one, scopes));
      if (declarations.includes(undefined)) return undefined;
      return `(()=>{${declarations.join('')}return ${ownName(expression)}\n})()`;
    } catch (error) {
      if (error instanceof TypeError) return undefined; // a class: no helper that could be sent
      throw error;
    } finally {
      this.#open.delete(fn);
    }
  }
}

/** As a declaration, for some assign to their own name, which the name of an expression does not take. */
function ownName(expression: string): string {
  const name = /^function\s+([\w$]+)/.exec(expression)?.[1];
  return name === undefined ? expression : `(()=>{${expression}\nreturn ${name}})()`;
}

function primitive(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'undefined':
      return 'undefined';
    default:
      return value === null ? 'null' : undefined;
  }
}

/** The array that a tagged template gets, which compilers keep. */
function templateStrings(value: readonly unknown[]): string | undefined {
  const { raw } = value as { readonly raw?: unknown };
  const isText = (one: unknown): boolean => one === undefined || typeof one === 'string';
  if (!Array.isArray(raw) || ![...value, ...(raw as unknown[])].every(isText)) return undefined;
  const [cooked, kept] = [value, raw as unknown[]].map((list) => `[${list.map(primitive).join()}]`);
  return `Object.freeze(Object.defineProperty(${cooked},'raw',{value:Object.freeze(${kept})}))`;
}
