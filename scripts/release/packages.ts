/**
 * `npm run release:packages`: writes the archives, the packages for Debian, `checksums.txt` and the
 * manifests of package managers to `release/`. It needs the binaries in `release/bin` and a build
 * in `dist/`.
 */
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildArchives } from './archives.ts'
import { bunNotice } from './binaries/bun-notice.ts'
import { writeChecksums } from './checksums.ts'
import { readCompletionFiles, readInstalledCompletions } from './completions.ts'
import { sourceDate } from './dates.ts'
import { buildDeb } from './deb.ts'
import { renderManPages } from './man.ts'
import { buildManifests } from './manifests.ts'
import { formatNotices, readNotices } from './notices.ts'
import { readProduct } from './product.ts'

const root = join(import.meta.dirname, '..', '..')

/** @returns the names of the files in `checksums.txt` */
async function buildPackages(): Promise<readonly string[]> {
  const folder = join(root, 'release')
  const date = sourceDate(root)
  const read = (...path: readonly string[]): string => readFileSync(join(root, ...path), 'utf8')
  const { version } = readProduct()
  const man = await renderManPages(date)
  const completions = await readInstalledCompletions()
  const notices = formatNotices([...readNotices(), bunNotice])
  const texts = new Map([
    ['LICENSE', read('LICENSE')],
    ['THIRD_PARTY_NOTICES', notices],
    ...[...man].map(([name, text]): [string, string] => [`man/${name}`, text]),
    ...[...(await readCompletionFiles())].map(([name, text]): [string, string] => [
      `completions/${name}`,
      text,
    ]),
  ])
  buildArchives({ folder, texts, date })
  for (const [architecture, target] of [
    ['amd64', 'linux-x64'],
    ['arm64', 'linux-arm64'],
  ] as const) {
    const binary = join(folder, 'bin', `dray-${target}`)
    const changelog = read('CHANGELOG.md')
    if (existsSync(binary))
      buildDeb({ folder, binary, architecture, version, date, man, completions, notices, changelog })
  }
  copyFileSync(join(root, 'dist', 'dray.cjs'), join(folder, 'dray.cjs'))
  const hashes = await writeChecksums(folder)
  buildManifests({ folder, date })
  return [...hashes.keys()]
}

if (import.meta.main) console.log((await buildPackages()).join('\n'))
