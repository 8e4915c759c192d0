import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'

const root = join(import.meta.dirname, '..', '..')
const about = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  engines: { node: string }
}

/** The modules that a run resolves, as paths in the project. */
async function modulesOf(...args: string[]): Promise<string[]> {
  const file = join(await tempFolder(), 'modules')
  const preload = join(root, 'test/support/log-modules.ts')
  const ended = await dray(args, { env: { NODE_OPTIONS: `--import ${preload}`, DRAY_TEST_MODULES: file } })
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const urls = readFileSync(file, 'utf8').trim().split('\n')
  return urls
    .map((url) => url.replace(`file://${root}/`, ''))
    .filter((url) => url !== 'test/support/log-modules.ts')
}

const heavy = /undici|valibot|cosmiconfig|inquirer|\bora\b|chalk|yaml|node:https?$/

describe('the start of the program', () => {
  it('loads only the first file and package.json for --version', async () => {
    const modules = await modulesOf('--version')
    expect(modules.filter((url) => !url.startsWith('node:'))).toEqual(['bin/dray.js', 'package.json'])
  })

  it.each([['--help'], ['promote', '--help'], ['serve', '--help'], ['help', 'ls'], ['ls', '--help']])(
    'loads no HTTP client, schema library, prompt, spinner or colours for %s %s',
    async (...args) => {
      const modules = await modulesOf(...args)
      expect(modules.filter((url) => heavy.test(url))).toEqual([])
      // This shows that the list of modules is not empty.
      expect(modules).toContain('dist/main.cjs')
    },
  )

  it.each([
    ['promote', '--help'],
    ['serve', '-qh'],
  ])('loads no command for %s %s', async (...args) => {
    expect((await modulesOf(...args)).filter((url) => url.startsWith('dist/commands/'))).toEqual([])
  })
})

describe('a configuration without gates', () => {
  it('loads none of the modules that read gates, residency and patterns', async () => {
    const file = join(await tempFolder(), 'dray.yaml')
    writeFileSync(file, `version: 1\nenvironments:\n  prod: { registry: r.io, path: "{image}" }\n`)
    const ofGates = /read-gates|image-globs|residency|regexp|condition|marcbachmann/
    const modules = await modulesOf('config', 'show', '--config', file)
    expect(modules.filter((url) => ofGates.test(url))).toEqual([])
    // This shows that the modules have these names.
    expect(readdirSync(join(root, 'dist/chunks')).filter((name) => ofGates.test(name))).toContain(
      'read-gates.cjs',
    )
  })
})

describe('completion', () => {
  it('loads no command, and nothing of the libraries that commands use, to complete a flag', async () => {
    const modules = await modulesOf('__complete', '--word=--fr', '--', 'promote')
    expect(modules.filter((url) => heavy.test(url) || /main|config\.cjs|dist\/commands/.test(url))).toEqual(
      [],
    )
    expect(modules).toContain('dist/complete.cjs')
  })

  it('loads no HTTP client to complete an environment', async () => {
    const modules = await modulesOf('__complete', '--word=', '--', 'promote', '--from')
    expect(modules.filter((url) => /undici|node:https?$/.test(url))).toEqual([])
  })
})

describe('--version', () => {
  it.each([['--version'], ['-V'], ['version'], ['--no-color', '-V']])(
    'names the version, the platform and Node: %s',
    async (...args) => {
      const env = { NO_COLOR: '1', FORCE_COLOR: '1' }
      expect(await dray(args, { env })).toMatchObject({
        stdout: `dray/${about.version} ${process.platform}-${process.arch} node-${process.version}\n`,
        stderr: '',
      })
    },
  )
})

describe('the version of Node', () => {
  /** A copy of the first files, as in an installed package without the package `node`. */
  async function installed(): Promise<string> {
    const folder = await tempFolder()
    cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true })
    cpSync(join(root, 'package.json'), join(folder, 'package.json'))
    return folder
  }

  /** Runs the first file in a Node that reports another version. */
  function runAs(version: string, folder: string): { code: number | null; stdout: string; stderr: string } {
    const file = JSON.stringify(join(folder, 'bin/dray.js'))
    const script = `Object.defineProperty(process.versions, 'node', { value: '${version}' }); Object.defineProperty(process, 'version', { value: 'v${version}' }); process.argv = ['node', 'dray', '--version']; require(${file})`
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
    return { code: status, stdout, stderr }
  }

  it.each(['8.17.0', '20.11.0', '24.14.9', '25.3.0'])(
    '%s is refused with the required version if the package has no Node of its own',
    async (version) => {
      const { code, stderr } = runAs(version, await installed())
      expect(code).toBe(1)
      expect(stderr.split('\n')).toEqual([
        `error: dray cannot run on Node.js v${version} (${process.execPath})`,
        `  why: dray needs Node.js ${about.engines.node}`,
        expect.stringMatching(/^ {2}fix: Install a newer Node\.js\./),
        '',
      ])
    },
  )

  it('of the repository runs dray if that of the machine is too old, and its exit code counts', async () => {
    const folder = await installed()
    mkdirSync(join(folder, 'node_modules/node/bin'), { recursive: true })
    const own = join(folder, 'node_modules/node/bin/node')
    writeFileSync(own, '#!/bin/sh\necho "ran $2"\nexit 4\n', { mode: 0o755 })
    expect(runAs('20.11.0', folder)).toEqual({ code: 4, stdout: 'ran --version\n', stderr: '' })
  })

  it.each(['24.15.0', '26.0.0', '27.1.0'])('%s is accepted', async (version) => {
    expect(runAs(version, await installed()).code).toBe(0)
  })

  it.each(['dray.js', 'own-node.js'])('may be any, because bin/%s is ES5', (name) => {
    const source = readFileSync(join(root, 'bin', name), 'utf8')
    expect(source).not.toMatch(/=>|`|\b(?:const|let|class|import|export|async|await)\b(?! else)/m)
    expect(JSON.parse(readFileSync(join(root, 'bin/package.json'), 'utf8'))).toEqual({ type: 'commonjs' })
  })
})
