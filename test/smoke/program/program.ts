/** A program for `heddle run`, with a portable function in the same file. */
import { portable, toThread } from 'heddle';

const double = portable(import.meta, function double(n: number): number {
  return n * 2;
});

export default async function main(): Promise<void> {
  console.log(`doubled ${await toThread(double, Number(process.argv[2]))}`);
}
