import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadedModules, type LoadedModules, modulesOfBundle } from '../support/loaded-modules.ts'
import { dray } from '../support/program.ts'
import { hostOfProgram, onlyOnNode } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'

const root = join(import.meta.dirname, '..', '..')
const about = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  engines: { node: string }
}

const heavy = /undici|valibot|cosmiconfig|inquirer|\bora\b|chalk|yaml/
const heavyBuiltins = new Set(['http', 'https', 'tls', 'child_process', 'worker_threads', 'dns'])

/** Runs dray without an error. Returns what it loaded. */
async function loadedBy(...args: readonly string[]): Promise<LoadedModules> {
  const loaded = await loadedModules(args)
  expect(loaded.ended).toMatchObject({ code: 0, stderr: '' })
  return loaded
}

const ofNode = onlyOnNode('modules')

describe.skipIf(ofNode.isSkipped)(`the start of the program${ofNode.note}`, () => {
  it('loads only the first file and package.json for --version', async () => {
    const { files, modules } = await loadedBy('--version')
    expect(files).toEqual(['bin/dray.js', 'package.json'])
    expect(modules).toEqual([])
  })

  it.each([['--help'], ['promote', '--help'], ['serve', '-qh'], ['help', 'ls'], ['ls', '--help']])(
    'loads no command, HTTP client, schema library, prompt, spinner or colours for %s %s',
    async (...args) => {
      const { modules, builtins } = await loadedBy(...args)
      expect(modules.filter((name) => heavy.test(name) || isCommandFile(name))).toEqual([])
      expect(builtins.filter((name) => heavyBuiltins.has(name))).toEqual([])
      // This shows that the list of modules is not empty.
      expect(modules).toContain('src/cli/help/show-help.ts')
    },
  )
})

/** `dray help` is itself a command. */
function isCommandFile(name: string): boolean {
  return name.startsWith('src/commands/') && name !== 'src/commands/help.ts'
}

describe.skipIf(ofNode.isSkipped)(`a configuration without gates${ofNode.note}`, () => {
  it('loads none of the modules that read gates, residency and patterns', async () => {
    const file = join(await tempFolder(), 'dray.yaml')
    writeFileSync(file, `version: 1\nenvironments:\n  prod: { registry: r.io, path: "{image}" }\n`)
    const ofGates = /read-gates|image-globs|residency|re2js|condition|marcbachmann/
    const { modules } = await loadedBy('config', 'show', '--config', file)
    expect(modules.filter((name) => ofGates.test(name))).toEqual([])
    // This shows that the modules have these names.
    expect([...modulesOfBundle].filter((name) => ofGates.test(name))).toContain(
      'src/config/gates/read-gates.ts',
    )
  })
})

describe.skipIf(ofNode.isSkipped)(`completion${ofNode.note}`, () => {
  it('loads no command, and nothing of the libraries that commands use, to complete a flag', async () => {
    const { modules } = await loadedBy('__complete', '--word=--fr', '--', 'promote')
    expect(modules.filter((name) => heavy.test(name) || isCommandFile(name) || /oclif/.test(name))).toEqual(
      [],
    )
    expect(modules).toContain('src/cli/completion/complete.ts')
  })

  it('loads no HTTP client to complete an environment', async () => {
    const { modules, builtins } = await loadedBy('__complete', '--word=', '--', 'promote', '--from')
    expect(modules.filter((name) => /undici/.test(name))).toEqual([])
    expect(builtins.filter((name) => ['http', 'https', 'tls'].includes(name))).toEqual([])
  })
})

describe('--version', () => {
  it.each([['--version'], ['-V'], ['version'], ['--no-color', '-V']])(
    'names the version, the platform and the host: %s',
    async (...args) => {
      const env = { NO_COLOR: '1', FORCE_COLOR: '1' }
      expect(await dray(args, { env })).toMatchObject({
        stdout: `dray/${about.version} ${process.platform}-${process.arch} ${hostOfProgram()}\n`,
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

it('an incomplete installation is reported with the missing file', async () => {
  const folder = await tempFolder()
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'bin/dray.js'), 'ls'], {
    encoding: 'utf8',
  })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(
    /^error: cannot start dray\n {2}why: Cannot find module '.*load\.cjs'\n {2}fix: .*\n$/,
  )
})
