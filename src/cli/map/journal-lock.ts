/** Keeps two runs from using one journal at once. */
import { readFileSync } from 'node:fs';
import { open, readFile, unlink } from 'node:fs/promises';
import { CliError, systemReason } from '../cli-error.ts';

export interface JournalLock {
  release(): Promise<void>;
}

/** Takes `<path>.lock`. One left behind by a process that has ended is taken over. */
export async function lockJournal(path: string): Promise<JournalLock> {
  const lock = `${path}.lock`;
  for (;;) {
    try {
      const file = await open(lock, 'wx');
      await file.writeFile(`${process.pid} ${startOf(process.pid)}\n`).finally(() => file.close());
      return { release: () => unlink(lock).catch(() => {}) };
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST')
        throw new CliError(
          `Cannot use journal '${path}': its lock '${lock}' cannot be made: ${systemReason(error)}`,
          {
            cause: error,
          },
        );
    }
    const [pid, start] = (await readFile(lock, 'utf8').catch(() => '')).trim().split(' ');
    if (isRunning(Number(pid), start))
      throw new CliError(
        `Cannot use journal '${path}': process ${pid} is using it. Wait for its end, or delete '${lock}' if that is no heddle`,
      );
    await unlink(lock).catch(() => {});
  }
}

function isRunning(pid: number, start: string | undefined): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EPERM') return false;
  }
  const now = startOf(pid);
  return now === start || now === '-' || start === '-';
}

/** When a process began, where the system tells (Linux): a process id alone comes round again. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${boot}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return '-';
  }
}
