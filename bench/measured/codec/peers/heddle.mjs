/** The items of heddle: into shared memory, and out of it. The block that a queue or a job gets for them is not counted. */
import { ItemDecoder, ItemEncoder, serializeWire } from '../../../../dist/item.js';

const nothing = () => undefined;
const encoder = new ItemEncoder({
  referenceTo: nothing,
  moduleOfClass: nothing,
  shareBuffer: () => 1,
});
const decoder = new ItemDecoder({
  resolveReference: nothing,
  findClass: nothing,
  openParcel: nothing,
  bufferOf: nothing,
});
const words = new Int32Array(new SharedArrayBuffer(2 ** 26));
const bytes = new Uint8Array(words.buffer);
const START = 64;

function put(value, at) {
  const prepared = encoder.prepare(value, 'item');
  if (typeof prepared === 'number') {
    encoder.copyTo(words, bytes, at);
    return prepared;
  }
  const serialized = serializeWire(prepared, [], 'item');
  bytes.set(serialized, 4 * at);
  return (serialized.length + 3) >> 2;
}

export const encode = (value) => put(value, START);
export const trip = (value) => decoder.decode(words, bytes, START, put(value, START));

/** As many of the values as fit, one behind the other. */
export function keep(values) {
  let at = START;
  return values.map((value) => {
    const size = put(value, at);
    const kept = { at, size };
    at += (size + 1) & -2;
    return kept;
  });
}
export const decode = ({ at, size }) => decoder.decode(words, bytes, at, size);
