import { cpSync, globSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from './program.ts'
import type { CheckContext, Step } from './steps.ts'

/** The npm scripts that build a release, in their order, with the products that each one makes. */
const builds: readonly (readonly [name: string, script: string, title: string])[] = [
  ['bundle', 'build', 'the bundle is built'],
  ['binaries', 'release:binaries', 'binaries for all platforms are built'],
  ['npm', 'release:npm', 'the npm package is built'],
  ['image', 'release:image', 'the container image is built'],
  ['sbom', 'release:sbom', 'the SBOM is written'],
  ['packages', 'release:packages', 'archives, Debian packages, checksums and manifests are built'],
]

export const buildSteps: readonly Step[] = builds.map(([name, script, title], index) => ({
  name,
  title,
  after: builds.slice(0, index).map(([earlier]) => earlier),
  async run(context) {
    if (index === 0) rmSync(context.release, { recursive: true, force: true })
    await runScript(script, context.root, context)
    return ''
  },
}))

/**
 * Builds in a copy of the repository at another path, with the same binaries, and compares. A Bun
 * binary differs between two builds.
 */
export const rebuildStep: Step = {
  name: 'rebuild',
  title: 'a second build in another folder has the same bytes',
  after: builds.map(([name]) => name),
  async run(context) {
    const copy = join(context.temporary, 'rebuild', 'repository')
    await copyRepository(context.root, copy)
    for (const [name, script] of builds) {
      if (name === 'binaries')
        cpSync(join(context.release, 'bin'), join(copy, 'release', 'bin'), { recursive: true })
      else await runScript(script, copy, context)
    }
    const same = compareFolders(context.release, join(copy, 'release'))
    const bundle = join('dist', 'dray.cjs')
    if (!readFileSync(join(context.root, bundle)).equals(readFileSync(join(copy, bundle))))
      throw new Error(`${bundle} differs`)
    rmSync(copy, { recursive: true, force: true })
    return `${same} files`
  },
}

/** A copy of the repository has no commits, so variables name the commit and its time. */
async function runScript(script: string, cwd: string, { root, date }: CheckContext): Promise<void> {
  const { stdout } = await run('git', ['rev-parse', 'HEAD'], { cwd: root })
  const env = { SOURCE_DATE_EPOCH: String(date), SOURCE_COMMIT: stdout.trim() }
  await run('npm', ['run', '--silent', script], { cwd, env })
}

/** Copies the files that git knows or would add, and the installed packages. */
async function copyRepository(root: string, copy: string): Promise<void> {
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  })
  for (const name of new Set(stdout.split('\0').filter((one) => one !== ''))) {
    if (lstatSync(join(root, name), { throwIfNoEntry: false }) === undefined) continue
    mkdirSync(dirname(join(copy, name)), { recursive: true })
    cpSync(join(root, name), join(copy, name))
  }
  await run('cp', ['-a', join(root, 'node_modules'), copy])
}

/** @returns the number of equal files. @throws Error with the names of files that differ. */
export function compareFolders(one: string, other: string): number {
  const names = [...new Set([one, other].flatMap((folder) => globSync('**', { cwd: folder })))].toSorted()
  const files = names.filter((name) => [one, other].some((folder) => isFile(join(folder, name))))
  const different = files.filter((name) => {
    const [left, right] = [join(one, name), join(other, name)]
    return !isFile(left) || !isFile(right) || !readFileSync(left).equals(readFileSync(right))
  })
  if (different.length > 0) throw new Error(`these files differ:\n${different.join('\n')}`)
  return files.length
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true
}
