/** For pools whose tasks have one argument (piscina, tinypool): the list of arguments is that one. */
import { functions } from '../functions.mjs';

export const add = ([a, b]) => functions.add(a, b);
export const echo = ([value]) => functions.echo(value);
export const len = ([value]) => functions.len(value);
export const sumsq = ([size]) => functions.sumsq(size);
export const block = ([milliseconds]) => functions.block(milliseconds);
export const tally = ([memory, size]) => functions.tally(memory, size);
export const hold = ([memory]) => functions.hold(memory);
export const idle = () => functions.idle();
export const countIdle = () => functions.countIdle();
export const wake = () => functions.wake();
export const heapUsed = () => functions.heapUsed();
