/** Called as what `dep.ts` has, so that a bundler renames one of them where both are in a file. */
export function times(count: number, text: string): string {
  return text.repeat(count);
}
