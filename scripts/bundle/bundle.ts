import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'
import { readManifest } from '../../src/cli/program/manifest.ts'
import { lazyBuiltins } from './lazy-builtins.ts'
import { joinModules } from './lazy-modules.ts'
import { leanPackages } from './lean-packages.ts'
import { smallModules } from './small-modules.ts'

const root = join(import.meta.dirname, '..', '..')

/** The name of the file that has the whole program. */
export const bundleFile: string = join(root, 'dist', 'dray.cjs')
const loaderFile = join(root, 'dist', 'load.cjs')

/** Embeds what the sources read from files and from the classes of the commands. */
function embed(manifest: string): Plugin {
  return {
    name: 'embed',
    load(id) {
      if (id === join(root, 'src/cli/program/manifest.ts'))
        return `export const readManifest = async () => JSON.parse(${JSON.stringify(manifest)})`
      if (id !== join(root, 'package.json')) return undefined
      const { version, description } = JSON.parse(readFileSync(id, 'utf8')) as Record<string, unknown>
      return JSON.stringify({ version, description })
    },
  }
}

/** Embeds the hash of the bundle, to which compiled code belongs. */
function identify(bundle: string): Plugin {
  const hash = createHash('sha256').update(bundle).digest('hex').slice(0, 16)
  return {
    name: 'identify',
    load(id) {
      return id === join(root, 'src/cli/program/build-id.ts') ? `export const buildId = '${hash}'` : undefined
    },
  }
}

async function build(input: string, plugins: readonly Plugin[]): Promise<readonly OutputChunk[]> {
  const started = await rolldown({
    cwd: root,
    input: join(root, input),
    platform: 'node',
    plugins: [...plugins],
    onLog(level, log, handle) {
      // Warnings about third-party CommonJS cannot be fixed here.
      if (log.id?.includes('node_modules') !== true) handle(level, log)
    },
  })
  const { output } = await started.generate({
    format: 'cjs',
    comments: false,
    preserveModules: true,
    preserveModulesRoot: root,
  })
  await started.close()
  return output.filter((one) => one.type === 'chunk')
}

/** Writes the files. Returns the modules that the bundle has, as paths. */
export async function writeBundle(): Promise<readonly string[]> {
  const manifest = JSON.stringify(await readManifest())
  const program = await build('src/cli/main.ts', [
    leanPackages(),
    smallModules,
    embed(manifest),
    lazyBuiltins,
  ])
  const code = escapeNonAscii(joinModules(program, nameOf))
  writeFileSync(bundleFile, code)
  const loader = await build('src/cli/program/load-bundle.ts', [identify(code), lazyBuiltins])
  writeFileSync(loaderFile, joinModules(loader, nameOf))
  return program.flatMap(({ moduleIds }) => moduleIds)
}

/** `src/lib/clock.ts`, `node_modules/yaml/dist/index.js`, `builtin:fs` */
function nameOf(moduleId: string): string {
  const name = moduleId.replace('\0', '')
  return isAbsolute(name) ? relative(root, name).split(sep).join('/') : name
}

/** V8 keeps a file in one byte per character only if it has none above U+00FF. */
function escapeNonAscii(code: string): string {
  return code.replaceAll(/[^\p{ASCII}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}
