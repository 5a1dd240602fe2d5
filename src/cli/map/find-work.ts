/** Makes sure that the function to run is there, before a thread is started. */
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CaptureError } from '../../core/errors.ts';
import { readInline, shownNames } from '../../function/inline.ts';
import { CliError } from '../cli-error.ts';
import { compileExpression } from './expression.ts';
import type { MapPlan } from './plan.ts';
import type { ExportName, Work } from './prepare.ts';

/** What the threads are to do, apart from the format of results. */
export async function findWork(plan: MapPlan): Promise<Omit<Work, 'format'>> {
  return {
    fn:
      plan.expression === undefined
        ? findExport(plan.module!, plan.exportName)
        : { expression: checkExpression(plan.expression) },
    ...(plan.init === undefined ? {} : { init: findExport(plan.init.module, plan.init.name) }),
    constants: plan.constants,
    split: plan.outputDir !== undefined,
    stop: plan.onError === 'stop' && plan.retries === 0,
  };
}

function findExport(shown: string, name: string): ExportName {
  return { url: moduleUrl(shown), shown, name };
}

/** A file, or else a package or built-in module as seen from the working folder. */
function moduleUrl(shown: string): string {
  if (shown.startsWith('node:') || shown.startsWith('file:')) return shown;
  const path = resolve(shown);
  if (existsSync(path)) {
    if (statSync(path).isFile()) return pathToFileURL(path).href;
    throw new CliError(`Cannot find module '${shown}': it is a folder. Name the file in it`);
  }
  if (!/^\.{0,2}\//.test(shown)) {
    try {
      return pathToFileURL(createRequire(join(process.cwd(), 'heddle')).resolve(shown)).href;
    } catch {
      // It is no package either.
    }
  }
  throw new CliError(`Cannot find module '${shown}': there is no file '${path}'`);
}

function checkExpression(text: string): string {
  const fn = compileExpression(text);
  const captured = shownNames(readInline(fn.toString(), fn.name).free);
  if (captured.length === 0) return text;
  const names = captured.map((name) => `'${name}'`).join(', ');
  throw new CliError(
    `Cannot use -e '${text}': it uses ${names}, which no thread knows. Give constants with --arg and take them from the second argument, or put the function into a module`,
    { cause: new CaptureError(`it uses ${names}`, captured) },
  );
}
