/** A function that uses its module, and nobody marked; and one as an older compiler leaves it. */
import { basename } from 'node:path';

const scale = 3;

export function scaled(path) {
  return `${basename(path)} ${scale}`;
}

const __awaiter = (thisArg, args, _promise, generator) =>
  new Promise((resolve, reject) => {
    const running = generator.apply(thisArg, args ?? []);
    const next = (value) => {
      const { done, value: result } = running.next(value);
      Promise.resolve(result).then(done ? resolve : next, reject);
    };
    next();
  });

export const lowered = {
  sum: (a, b) =>
    __awaiter(void 0, void 0, void 0, function* () {
      return (yield Promise.resolve(a)) + b;
    }),
};

export const failing = {
  fn: () => {
    throw new Error('on purpose');
  },
};
