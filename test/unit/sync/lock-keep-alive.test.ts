import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Ended, program } from '../../docs/program.ts';
import { root } from '../../docs/snippets.ts';

const HEDDLE = JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href);

/** Runs source text as a program of its own. One that hangs is killed. */
function runProgram(source: string): Promise<Ended> {
  const text = `import { fromToken, Lock, shared, toToken } from ${HEDDLE};\n${source}`;
  return program(['--input-type=module-typescript', '--eval', text], { cwd: join(root), timeout: 15_000 });
}

/** Source text of a Worker, started by `start(lock)`. */
function worker(source: string): string {
  return `
    import { Worker, workerData } from 'node:worker_threads';
    const text = ${JSON.stringify(`
      import { workerData, parentPort } from 'node:worker_threads';
      import { fromToken } from ${HEDDLE};
      const lock = fromToken(workerData.token);
      ${source}
    `)};
    const start = (lock) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(text)), {
      workerData: { token: toToken(lock) },
    });
  `;
}

test('a wait of the main loop keeps the process up until it is served', async () => {
  // The holder is blocked, and holds no process.
  const { out, err, code } = await runProgram(`
    ${worker(`
      const guard = lock.acquireSync();
      parentPort.postMessage('held');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      guard.release();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
    `)}
    const lock = new Lock();
    const other = start(lock);
    await new Promise((resolve) => other.once('message', resolve));
    other.unref();
    (await lock.acquire()).release();
    console.log('served');
  `);
  expect([out, err, code]).toEqual(['served\n', '', 0]);
});

test('a wait of the main loop that has ended holds nothing any more', async () => {
  for (const end of ['{ timeout: 1 }', '{ signal: AbortSignal.timeout(1) }']) {
    const { out, err, code } = await runProgram(`
      const lock = new Lock();
      lock.acquireSync();
      await lock.acquire(${end}).catch((error) => console.log(error.name));
      const taken = await lock.acquire(${end}).catch((error) => 'taken');
      console.log(taken);
    `);
    expect([out, err, code]).toEqual(['TimeoutError\ntaken\n', '', 0]);
  }
});

const WAITING = (options: string): string => `
  ${worker(`
    lock.acquire(${options}).then((guard) => {
      guard.release();
      parentPort.postMessage('served');
    });
    parentPort.postMessage(lock.statistics().waiting);
  `)}
  const lock = new Lock();
  const guard = lock.acquireSync();
  const other = start(lock);
  const ended = new Promise((resolve) => other.once('exit', resolve));
  other.on('message', (message) => console.log(message));
  ended.then(() => console.log('worker ended'));
  await new Promise((resolve) => other.once('message', resolve));
`;

test('a wait of another loop does not keep that loop up: its Worker ends, and leaves the line', async () => {
  const { out, err, code } = await runProgram(`
    ${WAITING('')}
    await ended;
    console.log(lock.statistics().waiting);
    guard.release();
  `);
  expect([out, err, code]).toEqual(['1\nworker ended\n0\n', '', 0]);
});

test('a wait of another loop with keepAlive: true keeps it up until it is served', async () => {
  const { out, err, code } = await runProgram(`
    ${WAITING('{ keepAlive: true }')}
    // Had the wait not held it, its loop would be gone by then.
    setTimeout(() => guard.release(), 200);
  `);
  expect([out, err, code]).toEqual(['1\nserved\nworker ended\n', '', 0]);
});

test('a lock, held or not, keeps no process up', async () => {
  const { out, err, code } = await runProgram(`
    const lock = shared('keep-alive', () => new Lock());
    await lock.acquire();
    console.log('the end');
  `);
  expect([out, err, code]).toEqual(['the end\n', '', 0]);
});
