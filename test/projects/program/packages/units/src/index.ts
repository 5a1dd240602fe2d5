import { perKilometre } from './factors.ts';

export function toMiles(km: number): string {
  return `${(km * perKilometre).toFixed(2)} miles`;
}
