/**
 * Builds the standalone binaries of dray: its bundle and the runtime of Bun in one file.
 *
 *     npm run release:binaries
 *     npm run release:binaries -- --target linux-x64
 *
 * Two builds of one commit differ, because Bun does not write the same bytes twice.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { findBunRuntime } from './binaries/bun-runtime.ts'
import { signMachO } from './binaries/sign-macho.ts'
import { binaryName, type Target, targets as allTargets } from './targets.ts'

const root = join(import.meta.dirname, '..', '..')

const allNames = allTargets.map(({ name }) => name)

const flags = [
  '--compile',
  // Compiled code in the file makes it start three times as fast.
  '--bytecode',
  // Otherwise a file of the working directory could add variables, or code to run.
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
  '--no-compile-autoload-tsconfig',
  '--no-compile-autoload-package-json',
  // Otherwise variables of the machine that builds are a part of the binary.
  '--env=disable',
  // Otherwise Bun replaces the variable by the text "development".
  '--define=process.env.NODE_ENV=process.env.NODE_ENV',
]

/**
 * Builds binaries from the bundle in `dist` to `release/bin`. Returns their files, in the order of
 * the targets.
 */
async function buildBinaries(targets: readonly Target[]): Promise<readonly string[]> {
  const cache = join(root, 'node_modules/.cache/dray-bun')
  const compiler = await findBunRuntime(thisPlatform(), cache)
  const bin = join(root, 'release', 'bin')
  await mkdir(bin, { recursive: true })
  // Bun reads settings from the folder of the bundle, and writes its path into the binary.
  const empty = await mkdtemp(join(tmpdir(), 'dray-binaries-'))
  await copyFile(join(root, 'dist', 'dray.cjs'), join(empty, 'dray.cjs'))
  const files: string[] = []
  try {
    for (const target of targets) {
      const runtime = await findBunRuntime(target, cache)
      const file = join(bin, binaryName(target))
      const built = join(empty, binaryName(target))
      const args = [...flags, `--target=bun-${target.name}`, `--compile-executable-path=${runtime}`]
      await promisify(execFile)(compiler, ['build', ...args, 'dray.cjs', '--outfile', built], {
        cwd: empty,
        env: { PATH: process.env['PATH'], HOME: empty, TMPDIR: empty },
      })
      if (target.name.startsWith('darwin')) await writeFile(built, signMachO(await readFile(built), 'dray'))
      await rm(file, { force: true })
      await copyFile(built, file)
      await rm(built)
      files.push(file)
    }
  } finally {
    await rm(empty, { recursive: true, force: true })
  }
  return files
}

/** Bun itself runs on the platform that builds. */
function thisPlatform(): Target {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const libc = system === 'linux' && existsSync('/etc/alpine-release') ? '-musl' : ''
  const found = allTargets.find(({ name }) => name === `${system}-${process.arch}${libc}`)
  if (found === undefined) throw new Error(`Bun does not run on ${system}-${process.arch}`)
  return found
}

function parseTargets(names: readonly string[]): readonly Target[] {
  return names.map((name) => {
    const target = allTargets.find((one) => one.name === name)
    if (target === undefined) throw new Error(`the target ${name} is not one of ${allNames.join(', ')}`)
    return target
  })
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { target: { type: 'string', multiple: true, default: [...allNames] } },
  })
  const files = await buildBinaries(parseTargets(values.target))
  for (const file of files) process.stdout.write(`${file}\n`)
}
