import { execFile } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..', '..')
const product = join(root, 'oclif.manifest.json')

/** Builds what `bin/dray.js` runs, where a source is newer: once before the tests that start the program. */
export async function setup(): Promise<void> {
  if (isFresh()) return
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root })
}

function isFresh(): boolean {
  const built = statSync(product, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = [...globSync(['src/**/*.ts', 'scripts/*.ts'], { cwd: root }), 'package.json']
  return sources.every(
    (file) => (statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0) < built,
  )
}
