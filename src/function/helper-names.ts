/** How compilers call the functions that they add to modules. */

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

/** Of Rollup, for `import()` in CommonJS. */
const INTEROP = /^_interopNamespace(?:Compat|Default|DefaultOnly)?\d*$/;

/** Whether compilers call a helper so; a number at its end says that there are several. */
export function isHelperName(name: string): boolean {
  if (INTEROP.test(name)) return true;
  const bare = /^__?([a-z]\w*?)\d*$/i.exec(name)?.[1];
  if (bare === undefined) return false;
  if (name.startsWith('__')) return UNDERSCORED.has(bare);
  return SPELLED_BOTH_WAYS.has(bare.replaceAll('_', '').toLowerCase());
}
