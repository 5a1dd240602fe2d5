/** What the checks of shared objects run in threads. */
import { portable, select, selectSync } from 'heddle';

export const {
  produce,
  consume,
  consumeAsync,
  echo,
  takeAndEnd,
  holdAndEnd,
  inTurns,
  awaitEvent,
  blockForEvent,
  openLatch,
  meetOthers,
  once,
  fill,
  pickSync,
  pickAsync,
  store,
} = portable(import.meta, {
  produce(queue, count) {
    for (let n = 0; n < count; n++) queue.putSync({ n, text: `item ${n}` });
    queue.shutdown();
  },
  consume(queue) {
    let sum = 0;
    for (const { n } of queue.valuesSync()) sum += n;
    return sum;
  },
  async consumeAsync(queue) {
    let sum = 0;
    for await (const { n } of queue) sum += n;
    return sum;
  },
  echo(from, to, count) {
    for (let n = 0; n < count; n++) to.putSync(from.getSync());
  },
  takeAndEnd(queue) {
    queue.getSync();
    process.exit(1);
  },
  holdAndEnd(semaphore) {
    semaphore.acquireSync().keep();
    process.exit(1);
  },
  inTurns(lock, counter, times) {
    for (let n = 0; n < times; n++) lock.runSync(() => counter[0]++);
  },
  async awaitEvent(event) {
    await event.wait();
    return 'awaited';
  },
  blockForEvent(event) {
    event.waitSync();
    return 'blocked';
  },
  openLatch(latch) {
    latch.countDown();
  },
  meetOthers(barrier, sums, me) {
    sums[me] = me + 1;
    const place = barrier.waitSync();
    return { place, sum: sums.reduce((a, b) => a + b) };
  },
  once(guard, counter) {
    guard.runSync(() => Atomics.add(counter, 0, 1));
  },
  fill(changed, level, times) {
    for (let n = 0; n < times; n++) {
      const guard = changed.lock.acquireSync();
      level[0]++;
      changed.notifyAll(guard);
      guard.release();
    }
  },
  pickSync(queue, stop) {
    let sum = 0;
    for (;;) {
      const one = selectSync({ queue, stop });
      if (one.key === 'stop') return sum;
      sum += one.value;
    }
  },
  async pickAsync(queue, stop) {
    let sum = 0;
    for (;;) {
      const one = await select({ queue, stop });
      if (one.key === 'stop') return sum;
      sum += one.value;
    }
  },
  /** Puts into shared memory that came by a queue. */
  store(queue, back) {
    const { words } = queue.getSync();
    Atomics.store(words, 0, 42);
    back.putSync(words);
  },
});
