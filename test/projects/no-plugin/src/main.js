import { isMainThread, Lock, ThreadPoolExecutor, toThread } from 'heddle';

/** What needs no thread works in a bundle; what needs one is refused, and says why. */
if (isMainThread) {
  const told = (error) => console.log(error.code, /heddle\/bundler.*external/.test(error.message));
  const lock = new Lock();
  lock
    .acquire()
    .then(() => console.log('lock', lock.locked))
    .then(() => toThread((n) => n * 2, 4))
    .catch(told)
    .then(() => new ThreadPoolExecutor().import(new URL('file:///absent.js')).call())
    .catch(told);
}
