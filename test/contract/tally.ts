/** Counts the combinations that a contract was run over, and prints them as a table. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();

  add(guarantee: string, implementation: string): void {
    const row = this.#counts.get(guarantee) ?? new Map<string, number>();
    row.set(implementation, (row.get(implementation) ?? 0) + 1);
    this.#counts.set(guarantee, row);
  }

  toString(): string {
    const columns = [...new Set([...this.#counts.values()].flatMap((row) => [...row.keys()]))];
    const rows = [...this.#counts].map(([guarantee, row]) => [
      guarantee,
      ...columns.map((c) => String(row.get(c) ?? 0)),
    ]);
    const sums = columns.map((column) =>
      String([...this.#counts.values()].reduce((sum, row) => sum + (row.get(column) ?? 0), 0)),
    );
    const table = [['combinations', ...columns], ...rows, ['all', ...sums]];
    const widths = table[0]!.map((_, index) => Math.max(...table.map((row) => row[index]!.length)));
    return table
      .map((row) =>
        row
          .map((cell, index) => (index === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[index]!)))
          .join('  '),
      )
      .join('\n');
  }
}
