/** What both sides do with a channel of `multithreading`: pairs of a sender and a receiver. */

/** What was moved: a sender, a receiver, and so on. */
export function restoreAll(moved) {
  return Array.from({ length: moved.length / 2 }, (_, index) => moved.slice(2 * index, 2 * index + 2));
}

export const put = async ([sender], item) => valueOf(await sender.send(item));
export const putSync = ([sender], item) => valueOf(sender.blockingSend(item));
export const get = async ([, receiver]) => valueOf(await receiver.recv());
export const getSync = ([, receiver]) => valueOf(receiver.blockingRecv());
export const values = ([, receiver]) => receiver;

function valueOf(result) {
  if (!result.ok) throw result.error;
  return result.value;
}
