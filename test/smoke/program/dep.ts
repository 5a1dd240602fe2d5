export interface Named {
  readonly name: string;
}

export const greeting: string = 'hello';
