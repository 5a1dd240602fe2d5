/** How the threads of the tear test commit, and where: shared by both sides. */

export type Form = 'inTurn' | 'asSections' | 'amongOthers' | 'withLoop';

/** The word that is swapped; the stores go to words a cache line apart, `STRIDE` and its multiples. */
export const STATE = 0;
export const STRIDE = 16;
export const STORES = 8;
/** Not 0 when the thread should end by itself: one that goes on though it was terminated. */
export const STOP: number = STRIDE * (STORES + 2);
export const WORDS: number = STRIDE * (STORES + 3);
