import { wrap } from '../../../src/render/text/width.ts'

interface Release {
  readonly version: string
  readonly seconds: number
  readonly entries: readonly string[]
}

interface ChangelogOptions {
  /** of this release, in which `[Unreleased]` counts as its entries */
  readonly version: string
  /** the time of this release, in seconds */
  readonly date: number
  /** `NAME <ADDRESS>` */
  readonly maintainer: string
}

/** Versions of Debian sort `~` before the end of a version: `1.4.0~rc.1` is lower than `1.4.0`. */
export function debianVersion(version: string): string {
  return version.replace('-', '~')
}

/**
 * The changelog of Debian (deb-changelog(5)) from CHANGELOG.md, the latest release first.
 * @param text in the format of Keep a Changelog
 */
export function debianChangelog(text: string, options: ChangelogOptions): string {
  const releases = releasesOf(text, options)
  const all = releases.some(({ version }) => version === options.version)
    ? releases
    : [
        { version: options.version, seconds: options.date, entries: [`Release ${options.version}.`] },
        ...releases,
      ]
  return all.map((release) => paragraphOf(release, options.maintainer)).join('\n')
}

function releasesOf(text: string, { version: current, date }: ChangelogOptions): readonly Release[] {
  const sections = text.split(/^## /m).slice(1)
  return sections.flatMap((section) => {
    const [, name = '', day] = /^\[?([^\]\s]+)\]?(?: - (\d{4}-\d{2}-\d{2}))?/.exec(section) ?? []
    const version = name === 'Unreleased' ? current : name
    const entries = entriesOf(section)
    if (entries.length === 0) return []
    return [{ version, seconds: day === undefined ? date : Date.parse(day) / 1000, entries }]
  })
}

/** The list items of a section as plain text. */
function entriesOf(section: string): readonly string[] {
  return [...section.matchAll(/^- (.+(?:\n {2}.+)*)/gm)].map(([, item = '']) =>
    item
      .replaceAll(/\n\s*(?:- )?/g, ' ')
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll('`', ''),
  )
}

function paragraphOf({ version, seconds, entries }: Release, maintainer: string): string {
  const items = entries.flatMap((entry) =>
    wrap(entry, 74).map((line, i) => `${i === 0 ? '  * ' : '    '}${line}`),
  )
  const date = new Date(seconds * 1000).toUTCString().replace('GMT', '+0000')
  return [
    `dray (${debianVersion(version)}) stable; urgency=medium`,
    '',
    ...items,
    '',
    ` -- ${maintainer}  ${date}`,
    '',
  ].join('\n')
}
