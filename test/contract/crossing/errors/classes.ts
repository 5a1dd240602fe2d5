/** Errors of users, in a module that has nothing to do with heddle. */

export class NotFound extends Error {
  readonly status = 404;
}

export class Missing extends NotFound {}

export default class Gone extends Error {}

class Unexported extends Error {}

export const unexported = (): Error => new Unexported();
export const isUnexported = (error: unknown): boolean => error instanceof Unexported;

/** Of a class that nobody else can get at. */
export function secret(): Error {
  class Secret extends Error {
    readonly level = 3;
  }
  return new Secret('nowhere');
}
