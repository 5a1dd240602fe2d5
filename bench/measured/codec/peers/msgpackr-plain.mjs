/** As fast as it can be: no references, and the names of fields are known to both ends, which are one here. */
import { Packr } from 'msgpackr';

const packr = new Packr({ structures: [], copyBuffers: true });
export const encode = (value) => packr.pack(value);
export const decode = (bytes) => packr.unpack(bytes);
export const trip = (value) => packr.unpack(packr.pack(value));
