import { execFile } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..', '..')
const builtFile = join(root, 'dist', 'dray.cjs')

/** Builds the program if a source is newer. Runs once before the tests that start the program. */
export async function setup(): Promise<void> {
  if (isUpToDate()) return
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root })
}

function isUpToDate(): boolean {
  const built = statSync(builtFile, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = [
    ...globSync(['src/**/*.ts', 'scripts/build.ts', 'scripts/bundle/*.ts'], { cwd: root }),
    'package.json',
  ]
  return sources.every(
    (file) => (statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0) < built,
  )
}
