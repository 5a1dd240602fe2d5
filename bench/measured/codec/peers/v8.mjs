import { deserialize, serialize } from 'node:v8';

export const encode = (value) => serialize(value);
export const decode = (bytes) => deserialize(bytes);
export const trip = (value) => deserialize(serialize(value));
