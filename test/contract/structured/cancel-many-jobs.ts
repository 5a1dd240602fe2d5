import { cancelled, portable, sleep } from '../../../src/index.ts';

export const jobs: {
  rest(): Promise<void>;
  poll(): void;
  add(a: number, b: number): number;
} = portable(import.meta, {
  rest(): Promise<void> {
    return sleep(Infinity);
  },
  /** Holds its thread until it is cancelled. */
  poll(): void {
    while (!cancelled());
  },
  add(a: number, b: number): number {
    return a + b;
  },
});
