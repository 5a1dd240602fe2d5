import { expect, test } from 'vitest';
import { SendError } from '../../../src/core/errors.ts';
import {
  bufferByMessage,
  buffersComeBy,
  isBufferHere,
  takeBufferMessage,
} from '../../../src/jobs/message-buffers.ts';
import { thrown } from '../../fixtures/awaiting.ts';

test('a buffer that has not come is a plain SendError, which any thread has the class of', () => {
  expect(isBufferHere(-(2 ** 30))).toBe(false);
  expect((thrown(() => bufferByMessage(-(2 ** 30))) as Error).constructor).toBe(SendError);
});

test('whether a buffer is here is seen where messages come in', () => {
  const id = -(2 ** 30) - 1;
  const buffer = new SharedArrayBuffer(8);
  const noLonger = buffersComeBy(() => takeBufferMessage({ type: 'buffer', id, buffer }));
  expect(isBufferHere(id)).toBe(true);
  noLonger();
  expect(bufferByMessage(id)).toBe(buffer);
  takeBufferMessage({ type: 'dropped', id });
  expect(isBufferHere(id)).toBe(false);
});
