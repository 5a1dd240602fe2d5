/** As `main.ts` has it, word by word. */
export const load = async (): Promise<string> => (await import('./where.ts')).where;
