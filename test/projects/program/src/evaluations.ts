/** Whether this thread has run the program's own module, and not just those of its jobs. */
export const evaluations: { program: boolean } = { program: false };
