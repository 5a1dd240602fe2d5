/** Waits under run() until a signal comes, with a job in a thread, and cleans up. */
import { run, sleep, ThreadPoolExecutor, toThread } from 'heddle';

await run(async () => {
  const pool = new ThreadPoolExecutor({ threads: 1 });
  await pool.submit((n) => n, 1);
  const job = toThread(async () => (await import('heddle')).sleep(60_000));
  job.catch(() => {});
  console.log('ready');
  try {
    await sleep(60_000);
  } finally {
    console.log('cleaned up');
  }
});
