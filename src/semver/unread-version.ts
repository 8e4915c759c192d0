import { parseVersion, type VersionScheme, type VersionReading } from './version.ts'

const schemes: readonly VersionScheme[] = ['semver', 'calver', 'loose']

/**
 * Advises a user whose version is not one by the scheme: which other scheme reads it; else what a
 * version is. For the hint of an error.
 */
export function adviseUnread(text: string, reading: VersionReading): string {
  const { scheme } = reading
  const other = schemes.find(
    (one) => one !== scheme && parseVersion(text, { ...reading, scheme: one }) !== undefined,
  )
  if (other !== undefined)
    return `It is a version in the scheme ${other}, and this repository has the scheme ${scheme}: set tags.scheme to ${other} in dray.yaml.`
  const isIgnored = parseVersion(text, { ...reading, ignoreVersions: [] }) !== undefined
  return isIgnored ? 'A glob of ignoreVersions in dray.yaml matches it.' : `A version is ${forms[scheme]}.`
}

const forms: Readonly<Record<VersionScheme, string>> = {
  semver: 'MAJOR.MINOR.PATCH, such as 1.4.2 or 1.4.2-rc.1',
  calver: 'a year, a month or week, and one or two more numbers, such as 2024.04.1',
  loose: 'three or four numbers, such as 1.4.2 or 27.3.4.1',
}
