/** A module that knows nothing of heddle. */
export function upper(text) {
  return text.toUpperCase();
}

export async function later(text) {
  await undefined;
  return `${text}, later`;
}

export default (line) => line.length;
