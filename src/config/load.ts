import { readFile, stat } from 'node:fs/promises'
import { dirname, extname, relative, resolve } from 'node:path'
import { DrayError } from '../lib/errors.ts'
import { ioError, systemCode } from '../lib/files/io-error.ts'
import { trustedOwners } from '../lib/files/ownership.ts'
import { checkConfig } from './check/check.ts'
import { type Config, emptyConfig } from './config.ts'
import { type FoundFile, findConfig } from './find.ts'
import type { WrittenRetention } from './schema/schema-retention.ts'
import { type Issue, type Path, readShape } from './shape.ts'
import { issuesError, parseSource } from './source.ts'

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
}

export interface LoadedConfig {
  /** the file for messages, relative to the working directory; undefined if there is none */
  readonly name: string | undefined
  /** absolute; undefined if there is no file */
  readonly file: string | undefined
  readonly config: Config
  /** the position of a key, such as `dray.yaml:7:5`; undefined without a file */
  readonly where: (path: Path) => string | undefined
  /** the section `retention`, of which only the shape is checked; `retentionOf` checks the rest */
  readonly retention?: WrittenRetention
  /** makes the error for mistakes that are found later, each with its position */
  readonly mistakes: (issues: readonly Issue[]) => DrayError
}

/**
 * Finds, parses and checks the configuration. Import this file dynamically: it loads the YAML
 * parser and the schema library. @throws `config` for mistakes, each with line and column;
 * `not-found` and `io` for the file.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { owners = trustedOwners(process.env) } = options
  const found =
    options.file === undefined
      ? await findConfig({ from: options.cwd, home: options.home, owners })
      : await readNamed(resolve(options.cwd, options.file), options.file)
  if (found === undefined) {
    const mistakes = (): DrayError => new DrayError('internal', 'there is no file to have mistakes in')
    return { name: undefined, file: undefined, config: emptyConfig, where: () => undefined, mistakes }
  }
  return parseConfig(found, shownFrom(options.cwd, found.file))
}

/** @param name the file in errors. @throws `config`. */
export function parseConfig({ file, content }: FoundFile, name: string): LoadedConfig {
  const source = parseSource(content, name)
  const shape = readShape(source.value)
  if ('issues' in shape) throw issuesError(name, source, shape.issues)
  const { config, issues } = checkConfig(shape.config, (path) => resolve(dirname(file), path))
  if (issues.length > 0) throw issuesError(name, source, issues)
  const { retention } = shape.config
  return {
    name,
    file,
    config,
    where: (path) => `${name}:${source.position(path, 'key')}`,
    ...(retention !== undefined && { retention }),
    mistakes: (mistaken) => issuesError(name, source, mistaken),
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
    const message = systemCode(cause) === 'ENOENT' ? `there is no file ${name}` : `${name} cannot be read`
    throw ioError(cause, message, name)
  }
}

function shownFrom(cwd: string, file: string): string {
  const short = relative(cwd, file)
  return short.startsWith('..') ? file : short
}
