/** What transfer() promises, of every executor that copies. */
import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import {
  InlineExecutor,
  PoolFullError,
  Queue,
  SendError,
  ShutDownError,
  ThreadDiedError,
  transfer,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';
import {
  eachExecutor,
  elsewhere,
  flag,
  goOn,
  type Implementation,
  pool,
  raised,
  SHARED,
  THREADED,
} from './stand.ts';
import { transferJobs } from './transfer-jobs.ts';

const STRICT: Implementation = {
  name: 'InlineExecutor, strict',
  threads: 0,
  shared: false,
  overlaps: false,
  start: async () => {
    const executor = new InlineExecutor({ strict: true });
    return { executor, end: (options) => executor.shutdown(options) };
  },
};

describe('transfer()', () => {
  eachExecutor([...THREADED, STRICT], (implementation, the) => {
    test('of an argument: it is gone here, and whole there', async () => {
      const buffer = new ArrayBuffer(100);
      const large = new Uint8Array(1_000_000);
      expect(await the().submit(transferJobs.length, transfer(buffer))).toBe(100);
      expect(await the().submit(transferJobs.length, transfer(large))).toBe(1_000_000);
      expect([buffer.byteLength, large.length]).toEqual([0, 0]);
    });

    test('and of a result: the values are those that were there', async () => {
      const pixels = new Uint8Array(300_000).fill(5);
      const inverted = await the().submit(transferJobs.invert, transfer(pixels));
      expect([pixels.length, inverted.length, inverted[7]]).toEqual([0, 300_000, 250]);
    });

    test('of a result: it is gone there', async () => {
      const executor = the();
      expect((await executor.submit(transferJobs.lend, 50)).length).toBe(50);
      const lefts = await Promise.all(Array.from({ length: 8 }, () => executor.submit(transferJobs.left)));
      expect(lefts.every((left) => left === 0)).toBe(true);
    });

    test('deep inside an argument: every buffer in what is marked, and nothing else', async () => {
      const parts = [new Uint8Array(10), new Uint8Array(20)];
      const rest = new Uint8Array(5);
      expect(await the().submit(transferJobs.sum, { parts: transfer(parts), rest })).toBe(35);
      expect([...parts, rest].map(({ length }) => length)).toEqual([0, 0, 5]);
    });

    test('with a list: what it names, and nothing else', async () => {
      const parts = [new Uint8Array(10), new Uint8Array(20)];
      const rest = new Uint8Array(5);
      const moved = transfer({ parts, rest }, [parts[1]!.buffer]);
      expect(await the().submit(transferJobs.sum, moved)).toBe(35);
      expect([...parts, rest].map(({ length }) => length)).toEqual([10, 0, 5]);
    });

    test('of a port, as an argument and as a result', async () => {
      const { port1, port2 } = new MessageChannel();
      const heard = once(port1, 'message');
      await the().submit(transferJobs.say, transfer(port2), 'hello');
      expect((await heard)[0]).toBe('hello');
      port1.close();
      const { port } = await the().submit(transferJobs.doubler);
      const answer = once(port, 'message');
      port.postMessage(21);
      expect((await answer)[0]).toBe(42);
      port.close();
    });

    test('of items and results of a map', async () => {
      const items = [new Uint8Array(3), new Uint8Array(4), new Uint8Array(5)];
      const sizes: number[] = [];
      const moved = items.map((item) => transfer(item));
      for await (const size of the().map(transferJobs.length, moved)) sizes.push(size);
      expect(sizes).toEqual([3, 4, 5]);
      expect(items.map(({ length }) => length)).toEqual([0, 0, 0]);
      const filled: number[][] = [];
      for await (const bytes of the().map(transferJobs.fill, [1, 2])) filled.push([...bytes]);
      expect(filled).toEqual([[1], [2, 2]]);
    });

    test('of what is refused moves nothing', async () => {
      const buffer = new ArrayBuffer(8);
      const refused = the().submit(transferJobs.length, {
        buffer: transfer(buffer),
        no: Symbol('no'),
      } as never);
      expect(await failure(refused)).toBeInstanceOf(SendError);
      expect(buffer.byteLength).toBe(8);
    });

    test('of memory that the runtime shares is refused, and nothing hangs', async () => {
      const error = await failure(the().submit(transferJobs.length, transfer(Buffer.from('abc'))));
      expect(error).toBeInstanceOf(SendError);
      expect(error).toMatchObject({ message: expect.stringContaining('cannot be moved') });
      expect(await failure(the().submit(transferJobs.pooled))).toBeInstanceOf(SendError);
      expect(await the().submit(transferJobs.length, new ArrayBuffer(1))).toBe(1);
    });

    test('to who does not take the job moves nothing', async () => {
      const buffer = new ArrayBuffer(8);
      const aborted = the().with({ signal: AbortSignal.abort(new Error('too late')) });
      expect(await failure(aborted.submit(transferJobs.length, transfer(buffer)))).toMatchObject({
        message: 'too late',
      });
      const { executor, end } = await implementation.start();
      await end();
      expect(await failure(executor.submit(transferJobs.length, transfer(buffer)))).toBeInstanceOf(
        ShutDownError,
      );
      expect(buffer.byteLength).toBe(8);
    });

    if (!SHARED.includes(implementation)) return;
    test('between threads of which neither started the other: buffers go, and ports are refused', async () => {
      expect(await elsewhere().submit(transferJobs.through, the() as never)).toEqual([0, 1000, 254]);
      const answer = await elsewhere().submit(transferJobs.portThrough, the() as never);
      expect(answer).toBe('args[0]: MessagePort cannot be sent to a thread');
    });
  });

  test('makes that the job is not run again, for what it was given is gone', async () => {
    const executor = pool({ threads: 1 }).with({ idempotent: true });
    const error = await failure(executor.submit(transferJobs.exit, transfer(new Uint8Array(9))));
    expect(error).toBeInstanceOf(ThreadDiedError);
    expect(error).toMatchObject({ exitCode: 9 });
  });

  test('to a pool that is full moves nothing; a map waits for room with it', async () => {
    const words = flag();
    const full = pool({ maxPending: 0 });
    const held = full.submit(jobs.hold, words);
    await raised(words);
    const buffers = [new ArrayBuffer(8), new ArrayBuffer(9), new ArrayBuffer(10)];
    const refused = full.submit(transferJobs.length, transfer(buffers[0]!));
    expect(await failure(refused)).toBeInstanceOf(PoolFullError);
    const sizes: number[] = [];
    const mapped = (async () => {
      const moved = buffers.map((buffer) => transfer(buffer));
      for await (const size of full.map(transferJobs.length, moved)) sizes.push(size);
    })();
    expect(buffers.map(({ byteLength }) => byteLength)).toEqual([8, 9, 10]);
    goOn(words);
    await Promise.all([held, mapped]);
    expect(sizes).toEqual([8, 9, 10]);
    expect(buffers.map(({ byteLength }) => byteLength)).toEqual([0, 0, 0]);
  });

  test('means nothing to a queue, which copies', () => {
    const queue = new Queue<Uint8Array>();
    const bytes = new Uint8Array(10);
    queue.putSync(transfer(bytes));
    expect([bytes.length, queue.getSync().length]).toEqual([10, 10]);
    queue[Symbol.dispose]?.();
  });

  test('gives the value itself', () => {
    const buffer = new ArrayBuffer(1);
    expect(transfer(buffer)).toBe(buffer);
    expect(transfer('text')).toBe('text');
    expect(transfer(undefined)).toBe(undefined);
  });

  test('refuses at once what cannot be in its list', () => {
    expect(() => transfer({}, [new Uint8Array(1)] as never)).toThrow(
      /list\[0\].*Uint8Array; give its buffer/,
    );
    expect(() => transfer({}, [new SharedArrayBuffer(1)] as never)).toThrow(/list\[0\].*is shared/);
    expect(() => transfer({}, [new ArrayBuffer(1), 5] as never)).toThrow(/list\[1\]: it is 5/);
    expect(() => transfer(5, [new ArrayBuffer(1)])).toThrow(/5, which has nothing inside/);
  });
});
