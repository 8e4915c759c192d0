import { readFile, stat } from 'node:fs/promises'
import { extname, relative, resolve } from 'node:path'
import { DrayError } from '../lib/errors.ts'
import { ioError, systemCode } from '../lib/files/io-error.ts'
import { trustedOwners } from '../lib/files/ownership.ts'
import { emptyConfig } from './config.ts'
import type { LoadedConfig } from './parse.ts'
import { findConfig, type FoundFile } from './search/find.ts'

export interface LoadOptions {
  /** the working directory, absolute */
  readonly cwd: string
  /** the search does not go above this folder */
  readonly home?: string | undefined
  /**
   * the user ids whose files the search trusts; by default that of this process, none on Windows
   */
  readonly owners?: readonly number[] | undefined
  /** `--config`: this file without a search; relative to `cwd` */
  readonly file?: string
  /** milliseconds since 1970, for dates in the file; by default the present */
  readonly now?: number
}

/**
 * Finds, parses and checks the configuration. Loads the YAML parser and the schema library only if
 * there is a file. @throws as `readConfigFile`; `not-found` and `io` for the file.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { owners = trustedOwners(process.env) } = options
  const found =
    options.file === undefined
      ? await findConfig({ from: options.cwd, home: options.home, owners })
      : await readNamed(resolve(options.cwd, options.file), options.file)
  if (found === undefined) return noConfig()
  const { readConfigFile } = await import('./parse.ts')
  return await readConfigFile(found, shownFrom(options.cwd, found.file), options.now)
}

/** The configuration if there is no file. */
function noConfig(): LoadedConfig {
  const mistakes = (): DrayError => new DrayError('internal', 'there is no file with mistakes')
  const where = (): undefined => undefined
  return {
    name: undefined,
    file: undefined,
    config: emptyConfig,
    where,
    locate: () => [],
    mistakes,
    deprecated: [],
    warnings: [],
  }
}

async function readNamed(file: string, name: string): Promise<FoundFile> {
  if (!['.yaml', '.yml', '.json'].includes(extname(file))) {
    throw new DrayError('usage', `the configuration ${name} is neither YAML nor JSON`, {
      subject: name,
      hint: 'Name a file that ends in .yaml, .yml or .json.',
    })
  }
  try {
    if (!(await stat(file)).isFile()) throw new DrayError('io', `${name} is not a file`, { subject: name })
    return { file, content: await readFile(file, 'utf8') }
  } catch (cause) {
    const message = systemCode(cause) === 'ENOENT' ? `there is no file ${name}` : `cannot read ${name}`
    throw ioError(cause, message, name)
  }
}

function shownFrom(cwd: string, file: string): string {
  const short = relative(cwd, file)
  return short.startsWith('..') ? file : short
}
