import { parseVersion, type VersionReading, type VersionScheme } from './version.ts'

/** Returns the scheme that reads a version which is not one by the scheme of a repository. */
export function otherSchemeOf(text: string, reading: VersionReading): VersionScheme | undefined {
  return likelySchemes(text).find(
    (scheme) => scheme !== reading.scheme && parseVersion(text, { ...reading, scheme }) !== undefined,
  )
}

/**
 * Advises a user whose argument is no version by the reading: the scheme that reads it, or the
 * setting or spelling that makes it a version. It is the hint of a usage error.
 */
export function adviseUnread(text: string, reading: VersionReading): string {
  const { scheme } = reading
  if (parseVersion(text, { ...reading, ignoreVersions: [] }) !== undefined)
    return 'A glob of ignoreVersions matches it. Use another version, or change the glob.'
  const withPlus = text.replace('_', '+')
  if (parseVersion(withPlus, reading) !== undefined) return `Write build metadata after "+": ${withPlus}.`
  const other = otherSchemeOf(text, reading)
  return other === undefined
    ? `A version is ${forms[scheme]}.`
    : `It is a version in the scheme ${other}, and the scheme here is ${scheme}: set scheme: ${other} under tags in dray.yaml.`
}

/**
 * Returns the schemes that may read a version or tag, the likeliest one first. Two digits can be a
 * year, but most versions that begin with them are no dates.
 */
export function likelySchemes(text: string): readonly VersionScheme[] {
  return isDated(text) ? ['calver', 'loose', 'semver'] : ['semver', 'loose', 'calver']
}

/** Whether a text probably begins with a year of four digits. */
export function isDated(text: string): boolean {
  return /^v?\d{4}\./.test(text)
}

const forms: Readonly<Record<VersionScheme, string>> = {
  semver: 'MAJOR.MINOR.PATCH, such as 1.4.2 or 1.4.2-rc.1',
  calver: 'a year, a month or week, and one or two more numbers, such as 2024.04.1',
  loose: 'three or four numbers, such as 1.4.2 or 27.3.4.1',
}
