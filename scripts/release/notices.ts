/**
 * The licences of the packages that are in the bundle. Their texts have to accompany every copy of
 * it (`THIRD_PARTY_NOTICES`), and the SBOM lists the packages.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
const dataFile = join(root, 'dist', 'notices.json')

/** A package in the bundle. */
export interface Notice {
  readonly name: string
  readonly version: string
  /** the SPDX expression of its package.json */
  readonly license: string
  readonly text: string
}

/** Licences that allow to distribute the code in a bundle with their text. */
const allowedLicenses: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  '(MIT OR CC0-1.0)',
])

/** Packages that are published without their licence, and another one of the same repository. */
const sameRepository: Readonly<Record<string, string>> = {
  '@sigstore/verify': '@sigstore/core',
  '@aws-sdk/credential-provider-http': '@aws-sdk/core',
  '@aws-sdk/credential-provider-login': '@aws-sdk/core',
  '@aws-sdk/nested-clients': '@aws-sdk/core',
}

/** Names of files with a licence, or with the notice that Apache-2.0 requires. */
const licenseFile = /^(?:licen[cs]e|copying|notice)(?:[.-](?:md|txt|mit|apache|bsd))*$/i

/**
 * Returns the packages of modules, sorted by name and version.
 * @param modules paths of the modules in a bundle
 * @throws if a package has no licence text, or a licence that is not allowed.
 */
export function collectNotices(modules: readonly string[]): readonly Notice[] {
  const folders = new Set(modules.flatMap((module) => packageFolder(module) ?? []))
  const notices = [...folders].map(readNotice)
  // The same version may be installed in several folders.
  const unique = new Map(notices.map((notice) => [`${notice.name}@${notice.version}`, notice]))
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, notice]) => notice)
}

/** Returns the text of `THIRD_PARTY_NOTICES`. */
export function formatNotices(notices: readonly Notice[]): string {
  const intro = `dray contains the following ${notices.length} packages.\n`
  const parts = notices.map(
    ({ name, version, license, text }) => `${name} ${version}\nLicense: ${license}\n\n${text}\n`,
  )
  return [intro, ...parts].join(`\n${'-'.repeat(72)}\n\n`)
}

/** Writes `THIRD_PARTY_NOTICES` of a bundle, and its data for `readNotices`, into `dist`. */
export function writeNotices(modules: readonly string[]): void {
  const notices = collectNotices(modules)
  writeFileSync(join(root, 'dist', 'THIRD_PARTY_NOTICES'), formatNotices(notices))
  writeFileSync(dataFile, JSON.stringify(notices))
}

/** Returns the packages in the bundle of the last build. @throws if there is none. */
export function readNotices(): readonly Notice[] {
  return JSON.parse(readFileSync(dataFile, 'utf8')) as readonly Notice[]
}

/** The folder of the package that a module belongs to; undefined for a module of dray. */
function packageFolder(module: string): string | undefined {
  return /^\0?(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/?]+)/.exec(module)?.[1]
}

function readNotice(folder: string): Notice {
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>
  const { name, version, license } = about
  if (typeof name !== 'string' || typeof version !== 'string')
    throw new Error(`${folder}/package.json has no name or no version`)
  if (typeof license !== 'string' || !allowedLicenses.has(license))
    throw new Error(`${name} ${version} has the licence ${JSON.stringify(license)}, which is not allowed`)
  const other = sameRepository[name]
  const text =
    licenseText(folder) || (other === undefined ? '' : licenseText(join(folder, '..', '..', other)))
  if (text === '') throw new Error(`${name} ${version} has no licence text`)
  return { name, version, license, text }
}

function licenseText(folder: string): string {
  if (!existsSync(folder)) return ''
  const files = readdirSync(folder).filter((file) => licenseFile.test(file))
  const texts = files.toSorted().map((file) => readFileSync(join(folder, file), 'utf8').trim())
  return texts.join('\n\n').replaceAll('\r\n', '\n')
}
