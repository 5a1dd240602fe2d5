/** What the codec of items must be told about functions and classes: `thread/values.ts` says it. */
import type { DecodeHooks } from './decode.ts';
import type { EncodeHooks } from './encode.ts';

export type FunctionHooks = Pick<EncodeHooks, 'referenceTo' | 'moduleOfClass' | 'registeredClass'> &
  Pick<DecodeHooks, 'resolveReference' | 'findClass' | 'decoderOf' | 'findCarrier'>;

let hooks: FunctionHooks | undefined;

export function provideFunctionHooks(provided: FunctionHooks): void {
  hooks = provided;
}

export function functionHooks(): FunctionHooks {
  if (hooks === undefined) throw new TypeError('thread/values.ts has not been loaded');
  return hooks;
}
