/** Errors in the simple form: those of the language's own classes that have nothing of their own but message, stack and cause. */

/** The classes by their number, which is in the lowest bits of the payload; 0 is that of dates. */
const CLASSES: readonly (ErrorConstructor | undefined)[] = [
  undefined,
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
];
const CLASS_MASK = 7;
export const WITH_MESSAGE = 8;
export const WITH_CAUSE = 16;

const numbers: ReadonlyMap<unknown, number> = new Map(
  CLASSES.map((type, number) => [type?.prototype, number] as const).slice(1),
);

/** What is written of an error. */
export interface ErrorParts {
  /** Its class, and which of the parts it has. */
  readonly payload: number;
  readonly message: string;
  readonly stack: string;
  readonly cause: unknown;
}

/** `undefined` if the object is no such error, there may be more to it than these parts, or reading them throws. */
export function errorParts(value: object, prototype: unknown): ErrorParts | undefined {
  const number = numbers.get(prototype);
  if (number === undefined) return undefined;
  try {
    for (const _ in value) return undefined;
    const { name, message, stack } = value as Error;
    const type = CLASSES[number]!;
    if (typeof message !== 'string' || typeof stack !== 'string' || stack === '') return undefined;
    if (name !== type.name || value.constructor !== type || 'errors' in value) return undefined;
    const hasMessage = message !== '' || Object.hasOwn(value, 'message');
    const hasCause = Object.hasOwn(value, 'cause');
    return {
      payload: number | (hasMessage ? WITH_MESSAGE : 0) | (hasCause ? WITH_CAUSE : 0),
      message,
      stack,
      cause: hasCause ? (value as Error).cause : undefined,
    };
  } catch {
    return undefined;
  }
}

/** `undefined` if a payload says none. */
export function errorClassOf(payload: number): ErrorConstructor | undefined {
  return CLASSES[payload & CLASS_MASK];
}
