/** What the checks of values that are more than data run in threads. */
import { portable, registerClass } from 'heddle';

export class Point {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }

  get length() {
    return Math.hypot(this.x, this.y);
  }
}

export class Secret {
  #word;

  constructor(word) {
    this.#word = word;
  }

  reveal() {
    return this.#word;
  }

  static codec = {
    encode: (secret) => secret.#word,
    decode: (word) => new Secret(word),
  };
}

registerClass(import.meta, Point);
registerClass(import.meta, Secret, Secret.codec);

export const jobs = portable(import.meta, {
  scaled: (point, by) => new Point(point.x * by, point.y * by),
  louder: (secret) => new Secret(`${secret.reveal()}!`),

  count(to, tell) {
    for (let n = 1; n <= to; n++) tell(n);
  },

  async listen(signal, began) {
    const aborted = new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
    });
    began.set();
    await aborted;
    return signal.reason;
  },

  look(signal, began) {
    began.set();
    while (!signal.aborted);
    return signal.reason;
  },

  total: (table) => table.get().rows.reduce((sum, row) => sum + row, 0),

  change(table) {
    try {
      table.get().rows.push(4);
      return 'changed';
    } catch (error) {
      return error.name;
    }
  },

  async *doubled(items) {
    for await (const item of items) yield 2 * item;
  },

  sumSync(items) {
    let sum = 0;
    for (const item of items) sum += item;
    return sum;
  },

  doubledStream: (stream) =>
    stream.pipeThrough(
      new TransformStream({
        transform: (n, controller) => controller.enqueue(2 * n),
      }),
    ),
});
