import { describe, expect, it } from 'vitest'
import { debianChangelog, debianVersion } from '../../../scripts/release/deb/changelog.ts'
import { dependsFrom } from '../../../scripts/release/deb/depends.ts'
import { controlFile, copyrightFile } from '../../../scripts/release/deb/metadata.ts'

const maintainer = 'A <a@example.com>'
const date = Date.UTC(2026, 10, 28, 12) / 1000

/** The output of `readelf -dV`. */
function dumpOf(libraries: readonly string[], versions: readonly string[]): string {
  return [
    ...libraries.map((name) => ` 0x0001 (NEEDED)             Shared library: [${name}]`),
    ...versions.map((version) => `  0x0050:   Name: GLIBC_${version}  Flags: none  Version: 3`),
  ].join('\n')
}

describe('Depends of a binary', () => {
  it('is the highest version of glibc that it names', () => {
    const libraries = ['libc.so.6', 'ld-linux-x86-64.so.2', 'libpthread.so.0', 'libm.so.6']
    expect(dependsFrom(dumpOf(libraries, ['2.2.5', '2.28', '2.9']))).toBe('libc6 (>= 2.28)')
    expect(dependsFrom(dumpOf(['libc.so.6'], ['2.2.5']))).toBe('libc6 (>= 2.17)')
  })

  it('is empty for a static binary', () => {
    expect(dependsFrom(dumpOf([], []))).toBe('')
  })

  it('is refused if no known package has a library', () => {
    expect(() => dependsFrom(dumpOf(['libc.so.6', 'libssl.so.3'], []))).toThrow(
      'no known package has libssl.so.3',
    )
  })
})

describe('the changelog of the package', () => {
  const text = `# Changelog

## [Unreleased]

### Added

- \`dray promote\` copies [images](docs/x.md)
  by digest.

## [0.9.0] - 2026-10-01

### Fixed

- An error.
`

  it('has the entries of each release, the current one first', () => {
    expect(debianChangelog(text, { version: '1.0.0-rc.1', date, maintainer })).toBe(
      `dray (1.0.0~rc.1) stable; urgency=medium

  * dray promote copies images by digest.

 -- A <a@example.com>  Sat, 28 Nov 2026 12:00:00 +0000

dray (0.9.0) stable; urgency=medium

  * An error.

 -- A <a@example.com>  Thu, 01 Oct 2026 00:00:00 +0000
`,
    )
  })

  it('has a paragraph for the current version without entries', () => {
    const [first] = debianChangelog(text.replace(/## \[Unreleased\][^]*?(?=## \[0)/, ''), {
      version: '1.0.0',
      date,
      maintainer,
    }).split('\n\ndray')
    expect(first).toContain('dray (1.0.0) stable')
    expect(first).toContain('* Release 1.0.0.')
  })

  it('has no line of more than 80 columns', () => {
    const long = `## [Unreleased]\n\n- ${'word '.repeat(60)}\n`
    const lines = debianChangelog(long, { version: '1.0.0', date, maintainer }).split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  })
})

describe('the metadata of the package', () => {
  it('sorts a pre-release before its release', () => {
    expect(debianVersion('1.4.0-rc.1')).toBe('1.4.0~rc.1')
    expect(debianVersion('1.4.0')).toBe('1.4.0')
  })

  it('has the fields that dpkg requires', () => {
    const text = controlFile({
      version: '1.4.0-rc.1',
      architecture: 'arm64',
      depends: 'libc6 (>= 2.17)',
      installedSize: 9,
    })
    expect(text).toContain(
      'Package: dray\nVersion: 1.4.0~rc.1\nArchitecture: arm64\nMaintainer: The dray maintainers <',
    )
    expect(text).toContain('\nInstalled-Size: 9\nDepends: libc6 (>= 2.17)\n')
    expect(text).toMatch(/\nDescription: [^\n]{1,80}\n( [^\n]{1,79}\n)+$/)
    expect(
      controlFile({ version: '1.4.0', architecture: 'amd64', depends: '', installedSize: 9 }),
    ).not.toContain('Depends')
  })

  it('has a machine-readable copyright that names the notices of other packages', () => {
    const text = copyrightFile('2026')
    expect(text).toMatch(
      /^Format: https:\/\/www\.debian\.org\/doc\/packaging-manuals\/copyright-format\/1\.0\/\n/,
    )
    expect(text).toContain('/usr/share/doc/dray/THIRD_PARTY_NOTICES.gz')
    expect(text).toMatch(/\nFiles: \*\nCopyright: 2026 .+\nLicense: Apache-2\.0\n/)
  })
})
