/** What is used of esbuild, in its own words: its types are not there for those who have other bundlers. */

/** esbuild's options, as far as the plugin needs them. */
export interface Options {
  absWorkingDir?: string;
  bundle?: boolean;
  chunkNames?: string;
  entryNames?: string;
  entryPoints?: readonly (string | EntryPoint)[] | Readonly<Record<string, string>>;
  format?: string;
  loader?: Readonly<Record<string, string>>;
  logLevel?: string;
  metafile?: boolean;
  outdir?: string;
  outfile?: string;
  outExtension?: Readonly<Record<string, string>>;
  platform?: string;
  plugins?: readonly Plugin[];
  sourcemap?: unknown;
  splitting?: boolean;
  write?: boolean;
}

export interface EntryPoint {
  readonly in: string;
  readonly out: string;
}

export interface Plugin {
  readonly name: string;
  setup(build: Build): void | Promise<void>;
}

export interface Message {
  readonly text: string;
}

/** What esbuild hands to a plugin. */
export interface Build {
  readonly initialOptions: Options;
  readonly esbuild: { build(options: Options): Promise<unknown> };
  resolve(
    specifier: string,
    options: { kind: 'dynamic-import'; importer: string; resolveDir: string },
  ): Promise<{ errors: readonly Message[]; external: boolean; namespace: string; path: string }>;
  onResolve(
    options: { filter: RegExp },
    callback: (args: {
      path: string;
    }) => { path: string; external?: boolean; namespace?: string } | undefined,
  ): void;
  onLoad(
    options: { filter: RegExp; namespace: string },
    callback: (args: {
      path: string;
    }) => Promise<{ contents: string; loader: string; resolveDir: string } | undefined>,
  ): void;
  onEnd(callback: (result: { metafile?: Metafile }) => { errors: Message[] } | undefined): void;
  onDispose(callback: () => void): void;
}

export interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly entryPoint?: string; readonly inputs: Readonly<Record<string, unknown>> }>
  >;
}

/** The entry points as a list, in whatever form they were given. */
export function listed(entryPoints: Options['entryPoints'] = []): readonly (string | EntryPoint)[] {
  if (Array.isArray(entryPoints)) return entryPoints as readonly (string | EntryPoint)[];
  return Object.entries(entryPoints as Readonly<Record<string, string>>).map(([out, path]) => ({
    in: path,
    out,
  }));
}
