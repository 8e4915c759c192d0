import { dirname, resolve } from 'node:path'
import type { DrayError, FileMistake } from '../lib/errors.ts'
import { checkConfig } from './check/check.ts'
import type { Config } from './config.ts'
import type { Path } from './key-path.ts'
import { formatWarnings, inOrder, locate, mistakesError } from './mistakes.ts'
import { salvage } from './salvage.ts'
import type { WrittenRetention } from './schema/schema-retention.ts'
import type { WrittenSync } from './schema/schema-sync.ts'
import type { WrittenConfig } from './schema/schema.ts'
import type { FoundFile } from './search/find.ts'
import { importReaders } from './sections/import-readers.ts'
import type { LaterCheck } from './sections/later-checks.ts'
import { namesIn } from './sections/known-names.ts'
import type { SectionReaders } from './sections/sections.ts'
import { type Issue, readShape } from './shape.ts'
import { type ConfigSource, type FilePosition, parseSource } from './source.ts'

export interface LoadedConfig {
  /** the file for messages, relative to the working directory; undefined if there is none */
  readonly name: string | undefined
  /** absolute; undefined if there is no file */
  readonly file: string | undefined
  readonly config: Config
  /** the position of a key, such as `dray.yaml:7:5`; undefined without a file */
  readonly where: (path: Path) => string | undefined
  /** the content of the file, and the position of each value; undefined without a file */
  readonly written?: WrittenConfig
  readonly position?: (path: Path) => FilePosition
  /** the section `retention`, of which only the shape is checked; `retentionOf` checks the rest */
  readonly retention?: WrittenRetention
  /** the section `sync`, of which only the shape is checked; `syncRulesOf` checks the rest */
  readonly sync?: WrittenSync
  /** adds the positions to mistakes that are found later */
  readonly locate: (issues: readonly Issue[]) => readonly FileMistake[]
  /**
   * makes the error for mistakes that are found later, each with its position; by default the hint
   * is to correct the file
   */
  readonly mistakes: (issues: readonly Issue[], hint?: string) => DrayError
  /** deprecated keys, each with its position */
  readonly deprecated: readonly FileMistake[]
  /** `deprecated` as text, one on each line */
  readonly warnings: readonly string[]
}

/**
 * Parses and checks a configuration. Import this file dynamically: it loads the YAML parser and the
 * schema library.
 * @param name the file in errors
 * @param now milliseconds since 1970, for dates in the file; by default the present
 * @throws `config` for all mistakes, also those of the sections `retention`, `sync` and `watch` if
 * there are others, each with line and column.
 */
export async function readConfigFile(
  found: FoundFile,
  name: string,
  now = Date.now(),
): Promise<LoadedConfig> {
  const source = parseSource(found.content, name)
  const readers = await importReaders(source.value, now)
  const read = readConfig(found, name, source, readers)
  if ('loaded' in read) return read.loaded
  const { importLaterChecks } = await import('./sections/later-checks.ts')
  throw read.broken.error(await importLaterChecks(source.value, { folder: dirname(found.file), now }))
}

/**
 * As `parseConfig`, with the readers that the file needs.
 * @param now milliseconds since 1970, for dates in the file; by default the present
 */
export async function parseWholeConfig(
  found: FoundFile,
  name: string,
  now = Date.now(),
): Promise<LoadedConfig> {
  const { value } = parseSource(found.content, name)
  return parseConfig(found, name, await importReaders(value, now))
}

/**
 * As `readConfigFile`, with readers that were loaded. The sections `retention` and `sync` are
 * not checked.
 * @param readers of `importReaders`, for a file with gates, signers, approvers or residency
 * @throws `config`.
 */
export function parseConfig(found: FoundFile, name: string, readers: SectionReaders = {}): LoadedConfig {
  const read = readConfig(found, name, parseSource(found.content, name), readers)
  if ('loaded' in read) return read.loaded
  throw read.broken.error(() => [])
}

/** A file with mistakes. */
interface BrokenConfig {
  /** makes the error with all mistakes */
  readonly error: (checkLater: LaterCheck) => DrayError
}

/** @param name the file in errors */
function readConfig(
  { file }: FoundFile,
  name: string,
  source: ConfigSource,
  readers: SectionReaders,
): { loaded: LoadedConfig } | { broken: BrokenConfig } {
  const shape = readShape(source.value)
  const absolute = (path: string): string => resolve(dirname(file), path)
  const mistakes = (issues: readonly Issue[], hint?: string): DrayError =>
    mistakesError(name, locate(source, issues), hint)
  if (!('config' in shape)) return { broken: brokenConfig(source, name, shape.issues, { absolute, readers }) }
  const { config, issues } = checkConfig(shape.config, absolute, readers)
  if (issues.length > 0 || source.mistakes.length > 0)
    return { broken: brokenConfig(source, name, [], { absolute, readers }) }
  const { retention, sync } = shape.config
  const loaded: LoadedConfig = {
    name,
    file,
    config,
    where: (path) => {
      const { line, column } = source.position(path, 'key')
      return `${name}:${line}:${column}`
    },
    written: shape.config,
    position: (path) => source.position(path, 'value'),
    ...(retention !== undefined && { retention }),
    ...(sync !== undefined && { sync }),
    locate: (found) => locate(source, found),
    mistakes,
    deprecated: source.deprecated,
    warnings: formatWarnings(name, source.deprecated, 'deprecated keys'),
  }
  return { loaded }
}

/** Checks the parts of the file that are correct too, so that one run reports everything. */
function brokenConfig(
  source: ConfigSource,
  name: string,
  issues: readonly Issue[],
  { absolute, readers }: { absolute: (path: string) => string; readers: SectionReaders },
): BrokenConfig {
  const error = (checkLater: LaterCheck): DrayError => {
    const rest = salvage(source.value, issues)
    const found = [...issues, ...(rest?.issues ?? [])]
    if (rest !== undefined) {
      const known = namesIn(source.value)
      const { config, issues: others } = checkConfig(rest.config, absolute, readers, known)
      const later = checkLater(rest.config, { config, known, broken: found })
      found.push(...rest.translate([...others, ...later]))
    }
    return mistakesError(name, inOrder([...source.mistakes, ...locate(source, believable(found, source))]))
  }
  return { error }
}

/**
 * The parser may misread what follows a mistake of the syntax. Only mistakes before it count, and
 * dray does not know whether something is missing or empty.
 */
function believable(issues: readonly Issue[], source: ConfigSource): readonly Issue[] {
  const { brokenLine = Number.POSITIVE_INFINITY, mistakes } = source
  const isBroken = source.brokenLine !== undefined
  const misread = new Set(mistakes.flatMap(({ line, path }) => (path === '' ? [line] : [])))
  return issues.filter(({ path, at, isMissing, needs }) => {
    if (isBroken && (isMissing === true || needs === true || isEmpty(source.value, path))) return false
    const { line } = source.position(path, at)
    return line < brokenLine && !misread.has(line)
  })
}

function isEmpty(value: unknown, path: Path): boolean {
  const found = path.reduce<unknown>(
    (at, step) => (at as Record<string | number, unknown> | null)?.[step],
    value,
  )
  return found === null || found === undefined
}
