/** Finds the TypeScript blocks of documents and doc comments, and makes files of them that can be checked and run. */
import { globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const root: string = join(import.meta.dirname, '../..');

export interface Snippet {
  /** The file in which the block stands, relative to the package. */
  readonly document: string;
  /** The line of its fence. */
  readonly line: number;
  readonly code: string;
  /** Why it is not run, if it is marked `no-run`. */
  readonly noRun: string | undefined;
}

const FENCE = /^(?<margin>\s*(?:\* ?)?)```(?<info>.*)$/;

/** Every block of `document` that is fenced as `ts`; `text` is what it says. */
export function snippetsOf(document: string, text: string): Snippet[] {
  const snippets: Snippet[] = [];
  let open: { line: number; info: string; code: string[]; margin: string } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = FENCE.exec(line)?.groups;
    if (open === undefined) {
      if (fence !== undefined)
        open = { line: index + 1, info: fence['info']!.trim(), code: [], margin: fence['margin']! };
    } else if (fence?.['info'] === '') {
      if (/^ts\b/.test(open.info)) snippets.push(toSnippet(document, open));
      open = undefined;
    } else
      open.code.push(
        line.startsWith(open.margin)
          ? line.slice(open.margin.length)
          : line.trimEnd().slice(open.margin.trimEnd().length),
      );
  }
  return snippets;
}

function toSnippet(document: string, block: { line: number; info: string; code: string[] }): Snippet {
  const { line, info } = block;
  const [, noRun] = /^ts no-run: (\S.*)$/.exec(info) ?? [];
  if (info !== 'ts' && noRun === undefined) {
    throw new Error(
      `${document}:${line}: cannot read "${info}": write "ts", or "ts no-run: " and the reason why it cannot run`,
    );
  }
  return { document, line, code: block.code.join('\n'), noRun };
}

/** Every block of the documents and of the sources. */
export function allSnippets(): Snippet[] {
  const documents = globSync(['README.md', 'ARCHITECTURE.md', 'docs/**/*.md', 'src/**/*.ts'], { cwd: root });
  return documents
    .sort()
    .flatMap((document) => snippetsOf(document, readFileSync(join(root, document), 'utf8')));
}

/** A folder of the snippets as files, inside the package so that they can import it by its name. */
export interface SnippetFolder {
  readonly path: string;
  readonly files: ReadonlyMap<Snippet, string>;
}

/**
 * Writes each snippet at the line at which it stands in its document, so that the numbers in messages are right. A
 * block that begins with a comment such as `// image.ts` gets that name, and the other blocks of the document can
 * import it.
 */
export function writeSnippets(snippets: readonly Snippet[]): SnippetFolder {
  mkdirSync(join(root, '.snippets'), { recursive: true });
  const path = mkdtempSync(join(root, '.snippets', 'run-'));
  const files = new Map<Snippet, string>();
  for (const snippet of snippets) {
    const [, given] = /^\/\/ ([\w-]+\.ts)\b/.exec(snippet.code) ?? [];
    const file = join(path, snippet.document.replace(/\.\w+$/, ''), given ?? `line-${snippet.line}.ts`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${'\n'.repeat(snippet.line)}${snippet.code}\n`, { flag: 'wx' });
    files.set(snippet, file);
  }
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: {
      declaration: false,
      isolatedDeclarations: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    include: [],
    files: [...files.values()].map((file) => relative(path, file)),
  };
  writeFileSync(join(path, 'tsconfig.json'), JSON.stringify(config));
  return { path, files };
}
