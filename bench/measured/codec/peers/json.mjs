/** JSON, as a string. */
export const encode = (value) => JSON.stringify(value);
export const decode = (text) => JSON.parse(text);
export const trip = (value) => JSON.parse(JSON.stringify(value));
