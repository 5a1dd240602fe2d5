import { capture, currentThread, isMainThread, Queue, run, ThreadPoolExecutor, toThread } from 'heddle';
import { times } from './dep.ts';
import { evaluations } from './evaluations.ts';
import { fail, square, where } from './jobs.ts';
import { fourth } from './powers.ts';

evaluations.program = true;

if (isMainThread) {
  // Not awaited: bundles in the form of CommonJS know no await at the top level.
  void run(async () => {
    console.log('portable', await toThread(square, times(1, 5)));
    const seen = await toThread(where);
    console.log('alone', !seen.main && seen.id !== currentThread().id && !seen.program);

    const inline = await toThread(async (n: number) => {
      const dep = await import('./dep.ts');
      return dep.times(n, n);
    }, 7);
    console.log('inline', inline);
    const rate = 1.19;
    console.log(
      'capture',
      await toThread(
        capture({ rate }, ({ rate }, net: number) => net * rate),
        100,
      ),
    );
    const outside = await toThread(async () => {
      const { basename } = await import('node:path');
      const inner = await import('heddle');
      return basename(await inner.toThread((text: string) => `from/${text}`, 'there'));
    });
    console.log('outside', outside);
    console.log('default', await toThread(async () => (await import('./thrice.ts')).default(2)));
    const json = async (): Promise<number> =>
      (await import('./rates.json', { with: { type: 'json' } })).default.vat;
    console.log('json', await toThread(json));
    console.log('alias', await toThread(async () => (await import('#greeting')).greet('you')));

    const pool = new ThreadPoolExecutor({ threads: 2 });
    const squares: number[] = [];
    for await (const result of pool.map(square, [1, 2, 3])) squares.push(result);
    console.log('map', squares.join());

    // In one thread, so that its files meet.
    const single = new ThreadPoolExecutor({ threads: 1 });
    const powers = [
      await single.submit(square, 2),
      await single.submit(fourth, 2),
      await single.submit(square, 3),
    ];
    console.log('copies', powers.join());

    const remote = pool.import(() => import('./remote.ts'));
    const there = await remote.there();
    console.log('import', !there.main && there.id !== currentThread().id);
    const queue = new Queue<number>();
    const filled = remote.fill(queue);
    const items: number[] = [];
    for await (const item of queue) items.push(item);
    await filled;
    console.log('shared', items.join());
    console.log('imported default', await pool.import(() => import('./thrice.ts')).default(3));
    console.log('imported builtin', await pool.import(() => import('node:path')).basename('a/b'));
    const byUrl = pool.import<typeof import('./remote.ts')>(new URL('./remote.js', import.meta.url));
    console.log('workspace', await byUrl.miles(10));

    const error = await toThread(fail).then(undefined, (reason: unknown) => reason as Error);
    const place = /(jobs\.ts):(\d+)/.exec(error?.stack ?? '');
    console.log('error', error instanceof RangeError, place?.[1], place?.[2] ?? error?.stack);
  });
}
