export function times(factor: number, n: number): number {
  return factor * n;
}
