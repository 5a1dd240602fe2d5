/** Says when it is loaded. */
console.log('loaded');

export class Loud extends Error {}
