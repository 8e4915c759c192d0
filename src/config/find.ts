import { lstat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Loader, Options, PublicExplorer } from 'cosmiconfig'
import { DrayError } from '../errors.ts'

/** The names of a configuration file, the first that is there wins. */
export const configNames: readonly string[] = ['dray.yaml', 'dray.yml', 'dray.json']

export interface FoundFile {
  /** absolute */
  readonly file: string
  readonly content: string
}

type ExplorerOptions = Options & { readonly moduleName: string; readonly metaConfigFilePath: null }

const asText: Loader = (file, content): FoundFile => ({ file, content })

/**
 * Looks for a configuration in `from` and the folders above it, up to `home` or the root.
 *
 * cosmiconfig's public function looks for settings of its own in the working directory first, and runs
 * `.config/config.js` and its siblings there whatever loaders it is given (10.0.1, `getUserDefinedOptionsFromMetaConfig`).
 * So its class is used directly: then there are no loaders but these, and nothing is executed. They give the text as it
 * is, so that `$import` in it has no meaning either.
 * @throws `io` where a file is there and cannot be read: another one further up would be the wrong one.
 */
export async function findConfig(from: string, home: string): Promise<FoundFile | undefined> {
  const { Explorer } = (await import('cosmiconfig/dist/Explorer.js')) as unknown as {
    Explorer: new (options: ExplorerOptions) => PublicExplorer
  }
  const explorer = new Explorer({
    moduleName: 'dray',
    metaConfigFilePath: null,
    searchPlaces: [...configNames],
    searchStrategy: 'none',
    ignoreEmptySearchPlaces: false,
    loaders: { '.yaml': asText, '.yml': asText, '.json': asText },
    transform: (result) => result,
    cache: false,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
  })
  for (const folder of foldersUpFrom(resolve(from), resolve(home))) {
    const found = await explorer.search(folder)
    if (found !== null)
      return (found.config as FoundFile | undefined) ?? { file: found.filepath, content: '' }
    await refuseUnreadable(folder)
  }
  return undefined
}

function* foldersUpFrom(from: string, home: string): Iterable<string> {
  for (let folder = from; ; folder = dirname(folder)) {
    yield folder
    if (folder === home || folder === dirname(folder)) return
  }
}

/** cosmiconfig passes over what it may not read. */
async function refuseUnreadable(folder: string): Promise<void> {
  for (const name of configNames) {
    const file = join(folder, name)
    const status = await lstat(file).catch(() => undefined)
    if (status === undefined || status.isDirectory()) continue
    throw new DrayError('io', `${file} is there and cannot be read`, {
      subject: file,
      hint: 'Make it readable, or name another file with --config.',
    })
  }
}
