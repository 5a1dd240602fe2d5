/** `navigator.locks`, which lends a lock to a callback until the promise that it returns is settled. */
let last = 0;

export const create = () => `lock ${++last}`;
export const acquire = (name) =>
  new Promise((granted, failed) => {
    navigator.locks.request(name, () => new Promise((giveBack) => granted(giveBack))).catch(failed);
  });
export const release = (_name, giveBack) => giveBack();
