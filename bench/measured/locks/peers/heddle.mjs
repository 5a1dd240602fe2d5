/** The built package, as users get it; the count of blocks, which is nothing for users, from within. */

import { ownHeap } from '../../../../dist/heap.js';
import { fromToken, Lock, toToken } from '../../../../dist/index.js';
import { startThread } from '../start.mjs';

export const create = () => new Lock();
export const token = toToken;
export const restore = (data) => fromToken(data);
export const dispose = (lock) => lock[Symbol.dispose]();
export const locked = (lock) => lock.locked;
export const acquireSync = (lock) => lock.acquireSync();
export const acquire = (lock) => lock.acquire();
export const release = (_lock, guard) => guard.release();
export const start = async (locks, work) => startThread('heddle', locks.map(token), work);
export const usedBlocks = () => ownHeap().blocks.countUsed();
