import { toMiles } from '@project/units';
import { currentThread, isMainThread, type Queue } from 'heddle';

export function there(): { readonly main: boolean; readonly id: number } {
  return { main: isMainThread, id: currentThread().id };
}

export async function fill(queue: Queue<number>): Promise<void> {
  for (const n of [1, 2, 3]) await queue.put(n);
  await queue.shutdown();
}

export function miles(km: number): string {
  return toMiles(km);
}
