/** `navigator.locks`, which lends a lock to a callback until the promise that it returns is settled. */
let last = 0;
const lent = (mode) => (name) =>
  new Promise((granted, failed) => {
    navigator.locks.request(name, { mode }, () => new Promise((giveBack) => granted(giveBack))).catch(failed);
  });
const create = () => `lock ${++last}`;
const release = (giveBack) => giveBack();

export const kinds = {
  read: { create, acquire: lent('shared'), release },
  write: { create, acquire: lent('exclusive'), release },
};
