/** Functions that are given what is moved, and give it. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { portable, type ThreadPoolExecutor, transfer } from '../../../src/index.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const functions = {
  length: (value: ArrayBuffer | Bytes): number => value.byteLength,

  invert(bytes: Bytes): Bytes {
    for (const [at, value] of bytes.entries()) bytes[at] = 255 - value;
    return transfer(bytes);
  },

  /** One that is kept, so that it can be seen what is left of it. */
  lend(length: number): Bytes {
    kept = new Uint8Array(length);
    return transfer(kept);
  },

  left: (): number => kept.length,

  fill: (length: number): Bytes => transfer(new Uint8Array(length).fill(length)),

  sum: ({ parts, rest }: { parts: Bytes[]; rest: Bytes }): number =>
    [...parts, rest].reduce((sum, part) => sum + part.length, 0),

  say(port: MessagePort, what: string): void {
    port.postMessage(what);
    port.close();
  },

  doubler(): { port: MessagePort } {
    const { port1, port2 } = new MessageChannel();
    port1.once('message', (number: number) => {
      port1.postMessage(2 * number);
      port1.close();
    });
    return transfer({ port: port2 });
  },

  pooled: (): Buffer => transfer(Buffer.from('abc')),

  /** Sends from here to a pool that this thread did not make. */
  async through(pool: ThreadPoolExecutor): Promise<number[]> {
    const bytes = new Uint8Array(1000).fill(1);
    const inverted = await pool.submit(transferJobs.invert, transfer(bytes));
    return [bytes.length, inverted.length, inverted[0]!];
  },

  async portThrough(pool: ThreadPoolExecutor): Promise<string> {
    const { port1, port2 } = new MessageChannel();
    try {
      await pool.submit(transferJobs.say, transfer(port2), 'hello');
      return 'moved';
    } catch (error) {
      return (error as Error).message;
    } finally {
      port1.close();
      port2.close();
    }
  },

  exit: (bytes: Bytes): never => process.exit(bytes.length),
};

let kept = new Uint8Array();

export const transferJobs: typeof functions = portable(import.meta, functions);
