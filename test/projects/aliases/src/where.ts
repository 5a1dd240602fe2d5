import { currentThread, isMainThread } from 'heddle';

export function where(): { readonly main: boolean; readonly id: number } {
  return { main: isMainThread, id: currentThread().id };
}
