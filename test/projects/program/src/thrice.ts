/** The default export, beside another one. */
export default function thrice(n: number): number {
  return FACTOR * n;
}

export const FACTOR = 3;
