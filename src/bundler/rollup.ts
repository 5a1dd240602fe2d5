/** Rollup, Rolldown and Vite: modules for threads are chunks of their own, which the program's other chunks import. */
import { candidates, type Naming, rewrite } from './rewrite.ts';

/** What is used here of the plugin context of all three. */
interface Context {
  resolve(
    specifier: string,
    importer: string,
  ): Promise<{ readonly id: string; readonly external: unknown } | null>;
  emitFile(file: { type: 'chunk'; id: string; preserveSignature: 'strict' }): string;
}

interface FileUrl {
  readonly referenceId: string;
  /** From the chunk in which the URL is written. */
  readonly relativePath: string;
  readonly format: string;
}

/** The hooks by which modules for threads become chunks, and their URLs are told. */
export class ThreadChunks {
  readonly #references = new Set<string>();

  async transform(context: Context, code: string, id: string): Promise<{ code: string; map: null } | null> {
    const rewritten = await rewrite(code, id, new ChunkNaming(context, id, this.#references));
    return rewritten === undefined ? null : { code: rewritten, map: null };
  }

  /** Beside the file that names it, wherever that is: Vite would make a path of it that a browser asks a server for. */
  resolveFileUrl({ referenceId, relativePath, format }: FileUrl): string | null {
    if (!this.#references.has(referenceId)) return null;
    const here = format === 'cjs' ? "require('node:url').pathToFileURL(__filename)" : 'import.meta.url';
    return `new URL(${JSON.stringify(relativePath)}, ${here}).href`;
  }
}

class ChunkNaming implements Naming {
  readonly #context: Context;
  readonly #id: string;
  readonly #references: Set<string>;

  constructor(context: Context, id: string, references: Set<string>) {
    this.#context = context;
    this.#id = id;
    this.#references = references;
  }

  async url(specifier: string | undefined): Promise<string | undefined> {
    const id = specifier === undefined ? this.#id : await this.#resolve(specifier);
    return id === undefined ? undefined : `import.meta.ROLLUP_FILE_URL_${this.#emit(id)}`;
  }

  /** Nothing is to be written: the import of a chunk says where that is. */
  async import(specifier: string): Promise<undefined> {
    const id = await this.#resolve(specifier);
    if (id !== undefined) this.#emit(id);
  }

  #emit(id: string): string {
    const reference = this.#context.emitFile({ type: 'chunk', id, preserveSignature: 'strict' });
    this.#references.add(reference);
    return reference;
  }

  async #resolve(specifier: string): Promise<string | undefined> {
    for (const candidate of candidates(specifier)) {
      const found = await this.#context.resolve(candidate, this.#id);
      if (found !== null && !found.external) return found.id;
    }
    return undefined;
  }
}
