/** The reference: promises, without names, statuses, cancellation, or anybody who is told of a second failure. */
export const together = (count, work) => Promise.all(Array.from({ length: count }, work));
