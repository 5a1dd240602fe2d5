import { afterEach, expect, test, vi } from 'vitest';
import { Atomics } from '#atomics';
import type { Heap } from '../../../src/memory/heap.ts';
import { leave } from '../../../src/memory/reaper.ts';
import { Cells } from '../../../src/park/cells.ts';
import { askToLook, Mailbox, putNews, wakeThread } from '../../../src/park/mailbox.ts';
import { heaps } from './threads.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

function parties(): { me: Heap; words: Int32Array; mailbox: Mailbox; cells: number[] } {
  const [me] = heaps(2) as [Heap, Heap];
  const made = new Cells(me);
  const cells = [1, 2, 3].map(() => made.take({ async: true }));
  return { me, words: me.words, mailbox: new Mailbox(me), cells };
}

test('take() gives what was put in, in order of arrival, once', () => {
  const { me, words, mailbox, cells } = parties();
  expect(mailbox.hasNews()).toBe(false);
  for (const cell of cells) putNews(words, me.token, cell);
  expect(mailbox.hasNews()).toBe(true);
  expect(mailbox.take()).toEqual(cells);
  expect(mailbox.take()).toEqual([]);
  expect(mailbox.hasNews()).toBe(false);
});

test('a loop that sleeps is rung once, however much comes', () => {
  const { me, words, mailbox, cells } = parties();
  const notify = vi.spyOn(Atomics, 'notify');
  expect(mailbox.prepareSleep()).toBe(true);
  expect(words[mailbox.bell]).toBe(1);
  for (const cell of cells) putNews(words, me.token, cell);
  expect(words[mailbox.bell]).toBe(0);
  expect(notify.mock.calls.filter(([, index]) => index === mailbox.bell)).toHaveLength(1);
});

test('a loop that does not sleep is not rung', () => {
  const { me, words, cells } = parties();
  const notify = vi.spyOn(Atomics, 'notify');
  putNews(words, me.token, cells[0]!);
  expect(notify).not.toHaveBeenCalled();
});

test('a loop that has news does not go to sleep', () => {
  const { me, words, mailbox, cells } = parties();
  putNews(words, me.token, cells[0]!);
  expect(mailbox.prepareSleep()).toBe(false);
  expect(words[mailbox.bell]).toBe(0);
  mailbox.take();
  askToLook(words, me.token);
  expect(mailbox.prepareSleep()).toBe(false);
  expect(mailbox.takeLook()).toBe(true);
  expect(mailbox.takeLook()).toBe(false);
  expect(mailbox.prepareSleep()).toBe(true);
});

test('askToLook() rings a loop that sleeps, and wakes a thread that is blocked', () => {
  const { me, words, mailbox } = parties();
  mailbox.prepareSleep();
  const notify = vi.spyOn(Atomics, 'notify');
  askToLook(words, me.token);
  expect(notify.mock.calls.map(([, index]) => index)).toContain(mailbox.bell);
  expect(notify).toHaveBeenCalledTimes(2);
  expect(mailbox.hasNews()).toBe(true);
});

test('wakeThread() changes the word on which a blocked thread sleeps, so that it cannot fall asleep after', () => {
  const { me, words } = parties();
  const notify = vi.spyOn(Atomics, 'notify');
  wakeThread(words, me.token);
  const [, index] = notify.mock.calls[0]!;
  const seen = words[index]!;
  wakeThread(words, me.token);
  expect(words[index]).not.toBe(seen);
});

test('the mailbox of a thread that is gone is left alone', () => {
  const { me, words, mailbox, cells } = parties();
  leave(me);
  putNews(words, me.token, cells[0]!);
  expect(mailbox.take()).toEqual([]);
});
