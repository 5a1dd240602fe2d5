/** With all that it can keep: references and the types of the language. Buffers are copied, as they must be out of shared memory. */
import { Packr } from 'msgpackr';

const packr = new Packr({ structuredClone: true, copyBuffers: true });
export const encode = (value) => packr.pack(value);
export const decode = (bytes) => packr.unpack(bytes);
export const trip = (value) => packr.unpack(packr.pack(value));
