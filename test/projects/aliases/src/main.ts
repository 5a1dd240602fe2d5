import { currentThread, isMainThread, portable, run, ThreadPoolExecutor, toThread } from 'heddle';
import { Factor, times } from '~/dep.js';

const square = portable(import.meta, function square(n: number): number {
  return times(new Factor(n), n);
});

if (isMainThread) {
  await run(async () => {
    console.log('portable', await toThread(square, 5));
    const inline = await toThread(async (n: number) => {
      const dep = await import('./dep.js');
      return dep.times(new dep.Factor(n), n);
    }, 7);
    console.log('inline', inline);
    const aliased = await toThread(async (n: number) => {
      const dep = await import('~/dep.js');
      return dep.times(new dep.Factor(n), n);
    }, 8);
    console.log('alias', aliased);
    const pool = new ThreadPoolExecutor({ threads: 2 });
    const squares: number[] = [];
    for await (const result of pool.map(square, [1, 2, 3])) squares.push(result);
    console.log('map', squares.join());
    const there = await pool.import(() => import('~/where.js')).where();
    console.log('thread', !there.main && there.id !== currentThread().id);
  });
}
