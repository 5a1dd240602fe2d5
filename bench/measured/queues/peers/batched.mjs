/** A MessagePort, 64 items in each message. */
import { openPort } from '../ports.mjs';

export const batch = 64;
export const restore = (port) => port;
export const openStream = (direction) => openPort('batched', batch, direction);
