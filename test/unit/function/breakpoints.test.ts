import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const PROGRAM = join(import.meta.dirname, '../../fixtures/debugged.ts');
const LINE = readFileSync(PROGRAM, 'utf8')
  .split('\n')
  .findIndex((text) => text.includes('here it is to stop'));

interface Parsed {
  readonly scriptId: string;
  readonly sourceMapURL?: string;
}

interface Place {
  readonly scriptId: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, never>;
  readonly result?: unknown;
}

/** A debugger that looks at the first thread of a program. */
class Debugger {
  readonly #socket: WebSocket;
  readonly #session: Promise<string>;
  readonly #waiting: ((message: Message) => boolean)[] = [];
  readonly #early: Message[] = [];
  #last = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#session = new Promise((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        const { method, params = {} } = JSON.parse(String(data)) as Message;
        if (method === 'NodeWorker.attachedToWorker') resolve(params['sessionId'] as unknown as string);
        if (method === 'NodeWorker.receivedMessageFromWorker')
          this.#receive(JSON.parse(params['message'] as unknown as string) as Message);
      });
    });
    this.#send('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  #send(method: string, params: object): void {
    this.#socket.send(JSON.stringify({ id: ++this.#last, method, params }));
  }

  #receive(message: Message): void {
    const index = this.#waiting.findIndex((isFor) => isFor(message));
    if (index < 0) this.#early.push(message);
    else this.#waiting.splice(index, 1);
  }

  #next(isIt: (message: Message) => boolean): Promise<Message> {
    const index = this.#early.findIndex(isIt);
    if (index >= 0) return Promise.resolve(this.#early.splice(index, 1)[0]!);
    return new Promise((resolve) => {
      this.#waiting.push((message) => {
        if (!isIt(message)) return false;
        resolve(message);
        return true;
      });
    });
  }

  /** Sends it to the thread, and gives the answer. */
  async ask(method: string, params: object = {}): Promise<unknown> {
    const sessionId = await this.#session;
    const id = ++this.#last;
    const message = JSON.stringify({ id, method, params });
    this.#send('NodeWorker.sendMessageToWorker', { sessionId, message });
    return (await this.#next((one) => one.id === id)).result;
  }

  /** The next event of that kind for which `isIt` holds. */
  async event<T>(method: string, isIt: (params: T) => boolean = () => true): Promise<T> {
    const found = await this.#next((one) => one.method === method && isIt(one.params as T));
    return found.params as T;
  }
}

let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

// The client of a debugger needs the WebSocket of Node 22.
test.skipIf(typeof WebSocket === 'undefined')(
  'a debugger stops in an inline function, in the line where it is written',
  { timeout: 60_000 },
  async () => {
    const flags = ['--conditions=heddle-source', '--inspect=127.0.0.1:0', PROGRAM];
    const program = spawn(process.execPath, flags, { env: { ...process.env, NODE_OPTIONS: '' } });
    child = program;
    let out = '';
    const says = async (text: string): Promise<void> => {
      while (!out.includes(text)) await once(program.stdout, 'data');
    };
    program.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    let err = '';
    const address = new Promise<string>((resolve) => {
      program.stderr.setEncoding('utf8').on('data', (text: string) => {
        err += text;
        const [found] = /ws:\/\/\S+/.exec(err) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    const socket = new WebSocket(await address);
    await once(socket as unknown as EventTarget, 'open');
    await says('3\n');
    const client = new Debugger(socket);
    await client.ask('Debugger.enable');
    const script = await client.event<Parsed>('Debugger.scriptParsed', ({ sourceMapURL }) =>
      /^data:/.test(sourceMapURL ?? ''),
    );
    const [, text = ''] = script.sourceMapURL!.split(',');
    const map = new SourceMap(JSON.parse(Buffer.from(text, 'base64').toString()) as SourceMapPayload);
    await client.ask('Debugger.setBreakpoint', { location: { scriptId: script.scriptId, ...made(map) } });
    program.stdin.end('20\n');
    const { callFrames } = await client.event<{ callFrames: readonly { location: Place }[] }>(
      'Debugger.paused',
    );
    const { lineNumber, columnNumber } = callFrames[0]!.location;
    expect(map.findEntry(lineNumber, columnNumber)).toMatchObject({
      originalSource: pathToFileURL(PROGRAM).href,
      originalLine: LINE,
    });
    await client.ask('Debugger.resume');
    await says('41\n');
    socket.close();
    if (program.exitCode === null) await once(program, 'exit');
    expect(program.exitCode).toBe(0);
  },
);

/** Where the line of the breakpoint begins in what the thread has evaluated. */
function made(map: SourceMap): Pick<Place, 'lineNumber' | 'columnNumber'> {
  for (let lineNumber = 0; lineNumber < 20; lineNumber++) {
    for (let columnNumber = 0; columnNumber < 200; columnNumber++) {
      const entry = map.findEntry(lineNumber, columnNumber);
      if ('originalLine' in entry && entry.originalLine === LINE) return { lineNumber, columnNumber };
    }
  }
  throw new Error(`No place in the map is from line ${LINE}`);
}
