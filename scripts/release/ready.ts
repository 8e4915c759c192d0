/**
 * `node scripts/release/ready.ts VERSION REF`: ends with 1 and the reasons, if the repository is
 * not prepared for a release of this version.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { project } from '../../src/cli/project.ts'
import { readProduct } from './product.ts'

interface Preparation {
  /** the version that the release shall have */
  readonly wanted: string
  /** `refs/heads/main` */
  readonly ref: string
  readonly packageVersion: string
  /** the text of CHANGELOG.md */
  readonly changelog: string
  readonly isPlaceholder: boolean
}

/** Why a release is refused; empty if it is prepared. */
export function problemsOf(preparation: Preparation): readonly string[] {
  const { wanted, ref, packageVersion, changelog, isPlaceholder } = preparation
  const heading = `## [${wanted}] - `
  return [
    ...(isPlaceholder ? ['src/cli/project.ts names no account: replace the placeholder'] : []),
    ...(ref === 'refs/heads/main' ? [] : [`a release is built from refs/heads/main, not from ${ref}`]),
    ...(wanted === packageVersion ? [] : [`package.json has the version ${packageVersion}, not ${wanted}`]),
    ...(changelog.includes(`\n${heading}`) ? [] : [`CHANGELOG.md has no line that begins with "${heading}"`]),
  ]
}

function main(wanted: string, ref: string): void {
  const root = join(import.meta.dirname, '..', '..')
  const { version } = readProduct()
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  const problems = problemsOf({
    wanted,
    ref,
    packageVersion: version,
    changelog,
    isPlaceholder: project.isPlaceholder,
  })
  for (const problem of problems) console.error(`error: ${problem}`)
  if (problems.length > 0) process.exitCode = 1
}

if (import.meta.main) main(process.argv[2] ?? '', process.argv[3] ?? '')
