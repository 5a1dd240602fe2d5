/** A parameter property is TypeScript that types cannot simply be taken away from. */
export class Factor {
  // biome-ignore lint/style/noParameterProperties: what this is for
  constructor(readonly value: number) {}
}

export function times(factor: Factor, n: number): number {
  return factor.value * n;
}
