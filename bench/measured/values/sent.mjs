/** What rows send that a module must have: functions and classes. The job of heddle is in the same one. */
import { portable, registerClass } from '../../../dist/index.js';

export const double = portable(import.meta, function double(n) {
  return 2 * n;
});

export const echo = portable(import.meta, function echo(value) {
  return value;
});

export class PartError extends Error {
  name = 'PartError';
  constructor(message, part) {
    super(message);
    this.part = part;
  }
}

export class Point {
  constructor(x) {
    this.x = x;
  }
  get twice() {
    return 2 * this.x;
  }
}

export class Money {
  constructor(cents) {
    this.cents = cents;
  }
  get twice() {
    return 2 * this.cents;
  }
}

registerClass(import.meta, Money);
