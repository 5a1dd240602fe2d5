/**
 * Objects of standard classes that structured clone refuses, or empties, though all they hold is a text or a list: they travel
 * as that. `URL`, `URLSearchParams`, `Headers`, and what `Temporal` has.
 *
 * Only the very classes: what extends one may hold more. `url.searchParams`, sent beside its URL, is not that of the copy.
 */
import { SendError } from '../core/errors.ts';

interface StandardClass {
  /** Plain data. Throws for what only has the prototype. */
  readonly take: (value: never) => unknown;
  readonly make: (Class: never, data: never) => object;
}

type Maker = new (data: unknown) => object;
interface FromMaker {
  from(data: unknown): object;
}

const entries: StandardClass = {
  take: (value: Iterable<unknown>) => [...value],
  make: (Class: Maker, data: unknown) => new Class(data),
};

const text: StandardClass = {
  take: (value: object) => value.toString(),
  make: (Class: FromMaker, data: unknown) => Class.from(data),
};

const DURATION = [
  'years',
  'months',
  'weeks',
  'days',
  'hours',
  'minutes',
  'seconds',
  'milliseconds',
  'microseconds',
  'nanoseconds',
] as const;

const CLASSES: ReadonlyMap<string, StandardClass> = new Map([
  [
    'URL',
    { take: (value: { href: string }) => value.href, make: (Class: Maker, data: unknown) => new Class(data) },
  ],
  ['URLSearchParams', entries],
  ['Headers', entries],
  ...[
    'Instant',
    'ZonedDateTime',
    'PlainDate',
    'PlainDateTime',
    'PlainTime',
    'PlainYearMonth',
    'PlainMonthDay',
  ].map((name) => [`Temporal.${name}`, text] as const),
  [
    'Temporal.Duration',
    {
      // As text 1500 milliseconds would be a second and a half.
      take: (value: Record<string, number>) =>
        Object.fromEntries(DURATION.map((unit) => [unit, value[unit]])),
      make: (Class: FromMaker, data: unknown) => Class.from(data),
    },
  ],
]);

/** By prototype; `undefined` for those that are none. */
const names = new WeakMap<object, string | undefined>();

/** The name of the value's class, if it is one of these. */
export function standardClassOf(value: object): string | undefined {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return undefined;
  if (names.has(prototype)) return names.get(prototype);
  const name = nameOf(prototype);
  names.set(prototype, name);
  return name;
}

/** No class is looked at that nobody has used: the runtime loads some of them then. */
function nameOf(prototype: object): string | undefined {
  const own = (key: PropertyKey): unknown => Object.getOwnPropertyDescriptor(prototype, key)?.value;
  const tag = own(Symbol.toStringTag);
  const type = own('constructor');
  const name = typeof tag === 'string' ? tag : typeof type === 'function' ? type.name : '';
  return CLASSES.has(name) && classNamed(name) === type ? name : undefined;
}

function classNamed(name: string): unknown {
  let found: unknown = globalThis;
  for (const part of name.split('.')) found = (found as Record<string, unknown> | undefined)?.[part];
  return found;
}

/** @throws What reading it throws, if it only looks like one. */
export function takeStandard(name: string, value: object): unknown {
  return CLASSES.get(name)!.take(value as never);
}

/** @throws {SendError} This thread has no such class. */
export function makeStandard(name: string, data: unknown): object {
  const type = classNamed(name);
  const standard = CLASSES.get(name);
  if (standard === undefined || typeof type !== 'function')
    throw new SendError(`Cannot receive a ${name}: this thread has no such class`, 'item');
  return standard.make(type as never, data as never);
}
