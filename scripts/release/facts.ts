/**
 * `node scripts/release/facts.ts image`: prints the repository of the container image.
 * `node scripts/release/facts.ts notes`: prints the entries of CHANGELOG.md for the version in
 * package.json.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { project } from '../../src/cli/project.ts'
import { readProduct } from './product.ts'

/** The entries of a version in CHANGELOG.md. @throws Error if there are none. */
export function releaseNotes(changelog: string, version: string): string {
  const section = changelog.split(/^## /m).find((one) => one.startsWith(`[${version}]`))
  const notes = section?.split('\n').slice(1).join('\n').trim() ?? ''
  if (notes === '') throw new Error(`CHANGELOG.md has no entries for ${version}`)
  return `${notes}\n`
}

function main(name: string): void {
  const changelog = join(import.meta.dirname, '..', '..', 'CHANGELOG.md')
  if (name === 'image') console.log(project.image)
  else if (name === 'notes')
    process.stdout.write(releaseNotes(readFileSync(changelog, 'utf8'), readProduct().version))
  else throw new Error('the facts are image and notes')
}

if (import.meta.main) main(process.argv[2] ?? '')
