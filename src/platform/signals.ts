/** The signals of the operating system: SIGINT, SIGTERM and their kin. */
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { show } from '../core/arguments.ts';

type Handler = (signal: NodeJS.Signals) => void;

/** Per signal, who wants it; the last to come gets it. */
const handlers = new Map<NodeJS.Signals, Handler[]>();
const listeners = new Map<NodeJS.Signals, () => void>();

/** What a user or a service manager sends to end a program. */
export const DEFAULT_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** A list of names of signals, or nothing. */
export function checkSignals(
  signals: readonly NodeJS.Signals[] | undefined,
): readonly NodeJS.Signals[] | undefined {
  if (signals === undefined) return undefined;
  if (!Array.isArray(signals)) throw new TypeError(`signals must be an array, received ${show(signals)}`);
  for (const signal of signals as readonly unknown[])
    if (typeof signal !== 'string' || !Object.hasOwn(constants.signals, signal))
      throw new TypeError(`signals must hold names such as 'SIGTERM', received ${show(signal)}`);
  return signals;
}

/**
 * Hands the signals to `handler`, until what it returns is called. Of several handlers the newest gets the signal; the
 * listener is on the process only while there is one. In a thread, where there are no signals, it does nothing.
 */
export function onSignals(signals: readonly NodeJS.Signals[], handler: Handler): () => void {
  if (!isMainThread) return () => {};
  const unique = [...new Set(signals)];
  for (const signal of unique) {
    const stack = handlers.get(signal) ?? [];
    handlers.set(signal, stack);
    stack.push(handler);
    if (stack.length === 1) listen(signal);
  }
  return () => {
    for (const signal of unique) remove(signal, handler);
  };
}

/**
 * Takes all listeners of the process for the signals off, so that these have their default effect, until what it returns
 * is called: then they are on again in their order, before those that came meanwhile. A signal that had arrived and was
 * not delivered yet is lost.
 *
 * A listener of `once` stays one, but on Bun: it does not tell them from others, and they stay on.
 */
export function takeListenersOff(signals: readonly NodeJS.Signals[]): () => void {
  const taken = signals.map((signal) => ({ signal, all: process.rawListeners(signal) }));
  for (const { signal, all } of taken) removeAll(signal, all);
  return () => {
    for (const { signal, all } of taken) {
      if (all.length === 0) continue;
      const newer = process.rawListeners(signal);
      removeAll(signal, newer);
      for (const listener of [...all, ...newer]) process.on(signal, listener as () => void);
    }
  };
}

function removeAll(signal: NodeJS.Signals, all: readonly unknown[]): void {
  for (const listener of all) process.off(signal, listener as () => void);
}

/** Ends the process at once as a shell expects it of a program that a signal ended: 128 + the signal's number. */
export function exitBySignal(signal: NodeJS.Signals): never {
  process.exit(128 + constants.signals[signal]);
}

const endings = new WeakMap<object, NodeJS.Signals>();

/**
 * If this error ends the process because nobody catches it, the process ends as by the signal, and prints no stack.
 *
 * The monitor hears of an uncaught error before anybody else and changes nothing about it. Only where the default,
 * print and exit with 1, is to follow does it exit first.
 */
export function exitQuietlyIfUncaught(error: object, signal: NodeJS.Signals): void {
  endings.set(error, signal);
  process.off('uncaughtExceptionMonitor', exitIfOurs);
  process.on('uncaughtExceptionMonitor', exitIfOurs);
}

function exitIfOurs(error: unknown): void {
  const signal = typeof error === 'object' && error !== null ? endings.get(error) : undefined;
  if (signal === undefined) return;
  if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()) return;
  exitBySignal(signal);
}

/** Keeps the process alive until what it returns is called: waiting for a signal does not by itself. */
export function holdProcess(): () => void {
  const timer = setInterval(() => {}, 2 ** 31 - 1);
  return () => clearInterval(timer);
}

function listen(signal: NodeJS.Signals): void {
  const listener = (): void => handlers.get(signal)?.at(-1)?.(signal);
  listeners.set(signal, listener);
  process.on(signal, listener);
}

function remove(signal: NodeJS.Signals, handler: Handler): void {
  const stack = handlers.get(signal) ?? [];
  const index = stack.lastIndexOf(handler);
  if (index < 0) return;
  stack.splice(index, 1);
  if (stack.length > 0) return;
  process.off(signal, listeners.get(signal)!);
  listeners.delete(signal);
}
