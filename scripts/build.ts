/**
 * Builds `dist/` and `oclif.manifest.json`, which `bin/dray.js` runs.
 *
 * Each command is an entry, so that a run loads only its own. The format is CommonJS, like
 * `@oclif/core`, which starts a few milliseconds faster than ESM (docs/decisions/). Everything is
 * bundled.
 */
import { globSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { Plugin as OclifPlugin, settings } from '@oclif/core'
import { type Plugin, rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/**
 * Packages that few commands need. Each is a chunk of its own, so that a test can see who loads it.
 */
const chunkPerPackage = [
  'undici',
  'valibot',
  'cosmiconfig',
  'yaml',
  'inquirer',
  '@inquirer',
  'ora',
  'chalk',
  'semver',
  '@sigstore',
  '@marcbachmann',
]

const withoutHttp2 = '\0without-http2'
const sortOfCommands = /[\\/]@oclif[\\/]core[\\/]lib[\\/]config[\\/]plugin\.js$/

/** Removes work of packages at every start that dray does not need. Each was measured. */
const leaner: Plugin = {
  name: 'leaner',
  resolveId(source, importer) {
    // Without this module, undici assumes a Node without HTTP/2, which dray does not use: 6 ms.
    const isUndici = importer !== undefined && inPackage('undici').test(importer)
    return isUndici && source === 'node:http2' ? withoutHttp2 : undefined
  },
  load(id) {
    return id === withoutHttp2 ? 'module.exports = { constants: {} }' : undefined
  },
  transform(code, id) {
    if (!sortOfCommands.test(id)) return undefined
    // The first comparison by language loads the collation tables: 6 ms.
    const lean = code.replace('a.id.localeCompare(b.id)', 'a.id < b.id ? -1 : 1')
    if (lean === code)
      throw new Error('@oclif/core sorts its commands in another way: check scripts/build.ts')
    return lean
  },
}

function inPackage(name: string): RegExp {
  return new RegExp(`[\\\\/]node_modules[\\\\/]${name}[\\\\/]`)
}

function entries(): Record<string, string> {
  const commands = globSync('src/commands/**/*.ts', { cwd: root }).map((file) => [
    relative('src', file).split(sep).join('/').replace(/\.ts$/, ''),
    join(root, file),
  ])
  return {
    main: join(root, 'src/cli/main.ts'),
    prepare: join(root, 'src/cli/prepare.ts'),
    complete: join(root, 'src/cli/completion/complete.ts'),
    ...Object.fromEntries(commands),
  }
}

async function bundle(): Promise<void> {
  const build = await rolldown({
    cwd: root,
    input: entries(),
    platform: 'node',
    plugins: [leaner],
    onLog(level, log, handle) {
      // Warnings about third-party CommonJS cannot be fixed here.
      if (log.id?.includes('node_modules') !== true) handle(level, log)
    },
  })
  await build.write({
    dir: dist,
    format: 'cjs',
    comments: false,
    cleanDir: true,
    entryFileNames: '[name].cjs',
    chunkFileNames: 'chunks/[name].cjs',
    codeSplitting: {
      groups: chunkPerPackage.map((name) => ({
        name: name.replace('@', ''),
        test: inPackage(name),
      })),
    },
  })
  await build.close()
}

/** Writes the commands as data, so that none is loaded to find, list or explain them. */
async function writeManifest(): Promise<void> {
  settings.enableAutoTranspile = false
  const plugin = new OclifPlugin({
    root,
    type: 'core',
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  })
  await plugin.load()
  writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest, null, 2)}\n`)
}

rmSync(join(root, 'oclif.manifest.json'), { force: true })
await bundle()
await writeManifest()
