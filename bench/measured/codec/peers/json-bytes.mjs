/** JSON, as bytes in a buffer of its own: what can be sent through shared memory. */
const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const encode = (value) => encoder.encode(JSON.stringify(value));
export const decode = (bytes) => JSON.parse(decoder.decode(bytes));
export const trip = (value) => decode(encode(value));
