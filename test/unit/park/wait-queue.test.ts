import { expect, test } from 'vitest';
import type { Heap } from '../../../src/memory/heap.ts';
import { LIST_WORDS, LISTS, NODE_VALUE } from '../../../src/memory/layout.ts';
import { Cells } from '../../../src/park/cells.ts';
import { WaitQueue } from '../../../src/park/wait-queue.ts';
import { heaps, makeObject } from './threads.ts';

interface Member {
  readonly heap: Heap;
  readonly cells: Cells;
  readonly queue: WaitQueue;
}

function members(count: number): Member[] {
  const all = heaps(count);
  const object = makeObject(all[0]!);
  return all.map((heap) => ({ heap, cells: new Cells(heap), queue: new WaitQueue(heap, object, LISTS) }));
}

function line({ cells, queue }: Member, { async }: { async: boolean }): number {
  const cell = cells.take({ async });
  queue.append(cell);
  return cell;
}

test('setNext() sets the cells of all threads in order of arrival, and then none', () => {
  const [a, b, c] = members(3) as [Member, Member, Member];
  const cells = [
    line(a, { async: true }),
    line(b, { async: false }),
    line(a, { async: false }),
    line(c, { async: true }),
  ];
  expect(a.queue.count()).toBe(4);
  expect(a.queue.isEmpty()).toBe(false);
  expect(cells.map(() => b.queue.setNext(1))).toEqual(cells);
  expect(b.queue.setNext(1)).toBe(0);
  expect(c.queue.count()).toBe(0);
  expect(c.queue.isEmpty()).toBe(true);
});

test('setNext() says whom to tell, and gives the waiter its number', () => {
  const [a, b] = members(2) as [Member, Member];
  for (const async of [true, false]) {
    const cell = line(a, { async });
    expect(a.cells.setBy(cell)).toBe(0);
    expect(b.queue.setNext(7)).toBe(cell);
    expect([b.queue.owner, b.queue.ownerIsAsync]).toEqual([a.heap.token, async]);
    expect(a.heap.words[a.cells.setBy(cell) + NODE_VALUE]).toBe(7);
  }
});

test('a cell is set or cancelled, never both: one of the two is told so', () => {
  const [a, b] = members(2) as [Member, Member];
  const first = line(a, { async: false });
  const second = line(a, { async: false });
  expect(a.cells.cancel(first)).toBe(true);
  expect(b.queue.setNext(1)).toBe(second);
  expect(a.cells.cancel(second)).toBe(false);
  expect(a.cells.setBy(first)).toBe(0);
  expect(a.cells.setBy(second)).not.toBe(0);
});

test.each([[0], [1], [2]])('remove() of the cell at %d leaves the order of the others', (index) => {
  const [a, b] = members(2) as [Member, Member];
  const cells = [line(a, { async: true }), line(b, { async: true }), line(a, { async: true })];
  const owner = [a, b, a][index]!;
  owner.cells.cancel(cells[index]!);
  owner.queue.remove(cells[index]!);
  expect(a.queue.count()).toBe(2);
  const rest = cells.filter((_, at) => at !== index);
  expect([b.queue.setNext(1), b.queue.setNext(1), b.queue.setNext(1)]).toEqual([...rest, 0]);
});

test('remove() of a cell that was set changes nothing', () => {
  const [a, b] = members(2) as [Member, Member];
  const first = line(a, { async: true });
  const second = line(b, { async: true });
  expect(b.queue.setNext(1)).toBe(first);
  a.queue.remove(first);
  expect(a.queue.count()).toBe(1);
  expect(a.queue.setNext(1)).toBe(second);
});

test('a cell that stands in two lists is set from one of them, once', () => {
  const [heap, other] = heaps(2) as [Heap, Heap];
  const object = makeObject(heap);
  const cells = new Cells(heap);
  const first = new WaitQueue(other, object, LISTS);
  const second = new WaitQueue(other, object, LISTS + LIST_WORDS);
  const cell = cells.take({ async: false });
  const node = cells.takeNode(cell);
  new WaitQueue(heap, object, LISTS).append(cell);
  new WaitQueue(heap, object, LISTS + LIST_WORDS).append(node);
  expect(second.setNext(5)).toBe(cell);
  expect(cells.setBy(cell)).toBe(node);
  expect(first.setNext(5)).toBe(0);
  new WaitQueue(heap, object, LISTS).remove(cell);
  cells.freeNode(node);
  cells.free(cell);
});

test('a cell that was freed is used again, and waits anew', () => {
  const [a, b] = members(2) as [Member, Member];
  const cell = line(a, { async: true });
  b.queue.setNext(1);
  a.cells.free(cell);
  expect(a.cells.take({ async: false })).toBe(cell);
  expect(a.cells.setBy(cell)).toBe(0);
  a.queue.append(cell);
  expect(b.queue.setNext(2)).toBe(cell);
  expect(b.queue.ownerIsAsync).toBe(false);
});
