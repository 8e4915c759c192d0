import { lstat } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'
import { configNames } from '../../config/search/find.ts'
import { type LoadedConfig, parseWholeConfig } from '../../config/parse.ts'
import { retentionOf } from '../../config/retention/retention.ts'
import { DrayError } from '../../lib/errors.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'

interface WriteOptions {
  readonly cwd: string
  readonly force: boolean
}

/**
 * Checks that a new configuration can be written.
 * @param out relative to `cwd`
 * @throws `usage` for an invalid name; `refused` if a configuration exists, without `force`.
 */
export async function checkOutput(out: string, { cwd, force }: WriteOptions): Promise<void> {
  if (!['.yaml', '.yml'].includes(extname(out))) {
    throw new DrayError('usage', `--out ${JSON.stringify(out)} is not the name of a YAML file`, {
      hint: 'Name a file that ends in .yaml or .yml.',
    })
  }
  const existing = force ? undefined : await findConfig(resolve(cwd, out))
  if (existing !== undefined) throw alreadyExists(existing)
}

/**
 * Parses and checks a new configuration like `dray config validate`, without the files of keys that
 * a person still has to write.
 */
export async function parseStarting(text: string, out: string, cwd: string): Promise<LoadedConfig> {
  const loaded = await parseWholeConfig({ file: resolve(cwd, out), content: text }, out)
  retentionOf(loaded)
  return loaded
}

/**
 * Checks a new configuration, writes it atomically and returns it.
 * @throws as `checkOutput`; `not-found`, `io`.
 */
export async function writeConfig(text: string, out: string, options: WriteOptions): Promise<LoadedConfig> {
  await checkOutput(out, options)
  const loaded = await parseStarting(text, out, options.cwd)
  await writeFileAtomic(resolve(options.cwd, out), text)
  return loaded
}

/** The configuration at this path, or beside it under another name. */
export async function findConfig(file: string): Promise<string | undefined> {
  const names = configNames.includes(basename(file)) ? [basename(file), ...configNames] : [basename(file)]
  for (const name of new Set(names)) {
    const path = join(dirname(file), name)
    if (await exists(path)) return path
  }
  return undefined
}

export function alreadyExists(file: string): DrayError {
  return new DrayError('refused', `${file} exists`, {
    subject: file,
    hint: 'Pass --force to replace it, --out FILE to write another file, or --print to print the section to paste (--retention, --gates).',
  })
}

/**
 * The path of the JSON Schema from the folder of a configuration, if dray is installed there or in
 * a folder above.
 */
export async function findSchema(file: string): Promise<string | undefined> {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const schema = join(folder, 'node_modules', 'dray', 'schema', 'dray.schema.json')
    if (await exists(schema)) {
      const path = relative(dirname(file), schema).replaceAll('\\', '/')
      return path.startsWith('.') ? path : `./${path}`
    }
    if (folder === dirname(folder)) return undefined
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}
