import Table from 'cli-table3';
import type { Pass } from './main.ts';
import type { PackageFile } from './packages.ts';

/** Files and bytes, package by package. */
export function packageTable(files: readonly PackageFile[], { results }: Pass): string {
  const table = new Table({
    head: ['package', 'files', 'bytes in', 'bytes out', 'smaller by', 'refused'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  const row = (name: string, chosen: (packageName: string) => boolean): string[] => {
    const own = results.filter((_, index) => chosen(files[index]!.packageName));
    const minified = own.filter(({ code }) => code !== undefined);
    const bytesIn = minified.reduce((sum, one) => sum + one.bytesIn, 0);
    const bytesOut = minified.reduce((sum, one) => sum + Buffer.byteLength(one.code ?? ''), 0);
    const saved = bytesIn === 0 ? '' : `${Math.round((1 - bytesOut / bytesIn) * 100)}%`;
    return [
      name,
      count(own.length),
      count(bytesIn),
      count(bytesOut),
      saved,
      count(own.length - minified.length),
    ];
  };
  const packages = new Set(files.map(({ packageName }) => packageName));
  for (const name of packages) table.push(row(name, (one) => one === name));
  if (packages.size > 1) table.push(row('together', () => true));
  return table.toString();
}

/** Seconds and busy cores, pass by pass, and how much faster each was than the first. */
export function timeTable(passes: readonly Pass[]): string {
  const table = new Table({
    head: ['on', 'seconds', 'speed-up', 'cores busy', 'sha256 of the output'],
    colAligns: ['left', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  });
  for (const { threads, seconds, cpuSeconds, hash } of passes) {
    const speedUp = passes[0]!.seconds / seconds;
    table.push([
      threadsText(threads),
      seconds.toFixed(1),
      `${speedUp.toFixed(2)} ×`,
      (cpuSeconds / seconds).toFixed(1),
      hash.slice(0, 16),
    ]);
  }
  return table.toString();
}

export function threadsText(threads: number): string {
  return `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

export function count(value: number): string {
  return value.toLocaleString('en');
}
