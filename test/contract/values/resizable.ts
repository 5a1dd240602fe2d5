/** Buffers that change their size are newer than the types that these tests are checked with. */
interface Resizable extends ArrayBuffer {
  readonly resizable: boolean;
  readonly maxByteLength: number;
  resize(byteLength: number): void;
}

export function resizable(byteLength: number, maxByteLength: number): Resizable {
  return Reflect.construct(ArrayBuffer, [byteLength, { maxByteLength }]);
}

export function growable(byteLength: number, maxByteLength: number): SharedArrayBuffer {
  return Reflect.construct(SharedArrayBuffer, [byteLength, { maxByteLength }]);
}

/** Whether a view of the buffer grows with it: tried out, and put back. */
export function growsWithBuffer(view: ArrayBufferView): boolean {
  const buffer = view.buffer as Resizable;
  const { byteLength } = view;
  const size = buffer.byteLength;
  if (!buffer.resizable || size + 8 > buffer.maxByteLength) return false;
  buffer.resize(size + 8);
  const grows = view.byteLength > byteLength;
  buffer.resize(size);
  return grows;
}

/** A view whose buffer is made smaller. */
export function outOfBounds<T>(make: (buffer: ArrayBuffer) => T): T {
  const buffer = resizable(16, 32);
  const view = make(buffer);
  buffer.resize(4);
  return view;
}
