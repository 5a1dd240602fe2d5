/** With all that it can keep, as msgpackr. */
import { Encoder } from 'cbor-x';

const encoder = new Encoder({ structuredClone: true, copyBuffers: true });
export const encode = (value) => encoder.encode(value);
export const decode = (bytes) => encoder.decode(bytes);
export const trip = (value) => encoder.decode(encoder.encode(value));
