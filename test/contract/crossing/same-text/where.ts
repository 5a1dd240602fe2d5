export const where = 'outer';
