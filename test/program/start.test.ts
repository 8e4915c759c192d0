import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dray, program } from '../support/program.ts'
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
    ['serve', '--help'],
  ])('loads no command for %s %s', async (...args) => {
    expect((await modulesOf(...args)).filter((url) => url.startsWith('dist/commands/'))).toEqual([])
  })
})

describe('--version', () => {
  it('names the version, the platform and Node', async () => {
    const ended = await dray(['--version'])
    expect(ended.stdout).toBe(
      `dray/${about.version} ${process.platform}-${process.arch} node-${process.version}\n`,
    )
  })
})

describe('the version of Node', () => {
  /** Runs the first file of the program in a Node that reports another version. */
  function runAs(version: string): { code: number; stderr: string } {
    const script = `Object.defineProperty(process.versions, 'node', { value: '${version}' }); Object.defineProperty(process, 'version', { value: 'v${version}' }); process.argv = ['node', 'dray', '--version']; require(${JSON.stringify(program)})`
    try {
      execFileSync(process.execPath, ['-e', script], { stdio: 'pipe' })
      return { code: 0, stderr: '' }
    } catch (error) {
      const { status, stderr } = error as { status: number; stderr: Buffer }
      return { code: status, stderr: stderr.toString() }
    }
  }

  it.each(['8.17.0', '20.11.0', '24.14.9', '25.3.0'])(
    '%s is refused with one line that names the required version',
    (version) => {
      const { code, stderr } = runAs(version)
      expect(code).toBe(1)
      expect(stderr).toMatch(/^[^\n]+\n$/)
      expect(stderr).toContain(`needs Node.js ${about.engines.node}; this is v${version}`)
    },
  )

  it.each(['24.15.0', '26.0.0', '27.1.0'])('%s is accepted', (version) => {
    expect(runAs(version).code).toBe(0)
  })

  it('may be any, because the first file is ES5', () => {
    const source = readFileSync(program, 'utf8')
    expect(source).not.toMatch(/=>|`|\b(?:const|let|class|import|export|async|await)\b(?! else)/m)
    expect(JSON.parse(readFileSync(join(root, 'bin/package.json'), 'utf8'))).toEqual({ type: 'commonjs' })
  })
})
