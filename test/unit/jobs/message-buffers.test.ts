import { expect, test } from 'vitest';
import { SendError } from '../../../src/core/errors.ts';
import { bufferByMessage, isBufferNotHere } from '../../../src/jobs/message-buffers.ts';
import { thrown } from '../../fixtures/awaiting.ts';

test('a buffer that has not come is a plain SendError, which any thread has the class of', () => {
  const error = thrown(() => bufferByMessage(-(2 ** 30)));
  expect((error as Error).constructor).toBe(SendError);
  expect(isBufferNotHere(error)).toBe(true);
  expect(isBufferNotHere(new SendError('another', 'args'))).toBe(false);
});
