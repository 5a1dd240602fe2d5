import type { AnyNode } from 'acorn';
import { checkName, show } from '../core/arguments.ts';
import { parseModule } from '../platform/parser.ts';
import { moduleOf, register } from './portable.ts';
import { type AnyClass, type AnyFunction, type ClassCodec, registry } from './registry.ts';

/**
 * Makes objects of a class cross threads as objects of that class: in arguments, results, items of queues, wherever they are in
 * them. A thread that receives one imports the module of the class, whose top level registers it there.
 *
 * - **By fields**, without a codec: the object that arrives has the prototype of the class, and copies of the fields that are
 *   enumerable and its own. No constructor runs. References among them, cyclic ones too, come out as they went in.
 * - **By a codec**: `encode` gives values that can be sent, whatever these are, and `decode` makes an object of them. For
 *   classes with private fields, and those that extend a class of the runtime.
 * - **Exactly that class**: objects of a class that extends it go as those of any class that is not registered, as plain
 *   objects.
 * - **Errors** cross without this; registered, their class is found whatever module it is in, on every runtime.
 * - Call it at the top level of the module, as `portable`. Gives the class itself.
 *
 * @param meta The module: `import.meta`, or its URL.
 * @param name The name to be found by; by default that of the class.
 * @throws {TypeError} It is not a class; it has no name and none was given; another of the module has that name; or its
 *   objects are more than their fields, and there is no codec.
 *
 * @example
 * ```ts
 * import { isMainThread, portable, registerClass, toThread } from 'heddle';
 *
 * class Money {
 *   readonly cents: number;
 *   readonly currency: string;
 *
 *   constructor(cents: number, currency: string) {
 *     this.cents = cents;
 *     this.currency = currency;
 *   }
 *
 *   toString(): string {
 *     return `${(this.cents / 100).toFixed(2)} ${this.currency}`;
 *   }
 * }
 *
 * registerClass(import.meta, Money);
 *
 * const double = portable(import.meta, (money: Money) => new Money(2 * money.cents, money.currency), 'double');
 *
 * if (isMainThread) console.log(String(await toThread(double, new Money(950, 'EUR')))); // 19.00 EUR
 * ```
 */
export function registerClass<C extends abstract new (...args: never[]) => object, D = unknown>(
  meta: ImportMeta | string | URL,
  type: C,
  codec?: ClassCodec<InstanceType<C>, D>,
  name?: string,
): C {
  const module = moduleOf(meta);
  if (typeof type !== 'function' || typeof type.prototype !== 'object' || type.prototype === null)
    throw new TypeError(`class must be a class, received ${show(type)}`);
  checkCodec(codec);
  const known = checkName(name) ?? type.name;
  if (known === '')
    throw new TypeError(
      'Cannot register class: it has no name; give one with registerClass(import.meta, C, codec, name)',
    );
  if (codec === undefined) checkFields(type);
  register(module, type as unknown as AnyFunction, known);
  registry.classes.set(type.prototype as object, {
    url: module.url,
    name: known,
    type,
    codec: codec as ClassCodec<object, unknown> | undefined,
  });
  return type;
}

function checkCodec(codec: unknown): void {
  if (codec === undefined) return;
  if (typeof codec !== 'object' || codec === null)
    throw new TypeError(`codec must be an object with encode and decode, received ${show(codec)}`);
  for (const key of ['encode', 'decode'] as const) {
    const fn = (codec as Record<string, unknown>)[key];
    if (typeof fn !== 'function')
      throw new TypeError(`codec.${key} must be a function, received ${show(fn)}`);
  }
}

/** Objects that are more than their fields cannot be made anew of these. */
function checkFields(type: AnyClass): void {
  for (let one: unknown = type; typeof one === 'function'; one = Object.getPrototypeOf(one)) {
    if (one === Function.prototype || one === Error) return;
    const text = Function.prototype.toString.call(one);
    const what = /\{\s*\[native code\]\s*\}$/.test(text)
      ? `it extends ${one.name}, which is more than its fields`
      : privateFieldIn(text);
    if (what !== undefined)
      throw new TypeError(
        `Cannot register class "${type.name}": ${what}; give a codec: registerClass(import.meta, ${type.name}, { encode, decode })`,
      );
  }
}

function privateFieldIn(text: string): string | undefined {
  // Most have no such sign at all, and need no parser.
  if (!text.includes('#')) return undefined;
  const [statement] = parseModule(`(${text})`).body;
  const root = statement?.type === 'ExpressionStatement' ? (statement.expression as AnyNode) : undefined;
  if (root?.type !== 'ClassExpression') return undefined;
  for (const member of root.body.body) {
    if (member.type !== 'PropertyDefinition' || member.static || member.key.type !== 'PrivateIdentifier')
      continue;
    return `its field #${member.key.name} is private`;
  }
  return undefined;
}
