/**
 * `node scripts/release/manifests.ts [FOLDER]`: writes the Homebrew formula, the Scoop manifest and
 * the winget manifests from `checksums.txt` of a release folder.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { project } from '../../src/cli/project.ts'
import { parseChecksums } from './checksums.ts'
import { isoDay, sourceDate } from './dates.ts'
import { homebrewFormula } from './manifests/homebrew.ts'
import type { ReleaseFacts } from './manifests/release-files.ts'
import { scoopManifest } from './manifests/scoop.ts'
import { wingetManifests } from './manifests/winget.ts'
import { readProduct } from './product.ts'

const root = join(import.meta.dirname, '..', '..')

/** The manifests by their paths in the release folder. */
export function renderManifests(facts: ReleaseFacts): ReadonlyMap<string, string> {
  const winget = [...wingetManifests(facts)].map(([path, text]): [string, string] => [`winget/${path}`, text])
  return new Map([
    ['homebrew/dray.rb', homebrewFormula(facts)],
    ['scoop/dray.json', scoopManifest(facts)],
    ...winget,
  ])
}

/** @throws Error if `checksums.txt` lacks a file that a manifest names. */
export function buildManifests({
  folder = join(root, 'release'),
  date = sourceDate(root),
} = {}): readonly string[] {
  const { version, description } = readProduct()
  const checksums = parseChecksums(readFileSync(join(folder, 'checksums.txt'), 'utf8'))
  const files = renderManifests({ version, description, day: isoDay(date), checksums, project })
  for (const name of ['homebrew', 'scoop', 'winget'])
    rmSync(join(folder, name), { recursive: true, force: true })
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return [...files.keys()]
}

if (import.meta.main)
  console.log(buildManifests({ folder: process.argv[2] ?? join(root, 'release') }).join('\n'))
