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
async function modulesOf(...words: string[]): Promise<string[]> {
  const file = join(await tempFolder(), 'modules')
  const preload = join(root, 'test/support/log-modules.ts')
  const ended = await dray(words, { env: { NODE_OPTIONS: `--import ${preload}`, DRAY_TEST_MODULES: file } })
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const urls = readFileSync(file, 'utf8').trim().split('\n')
  return urls
    .map((url) => url.replace(`file://${root}/`, ''))
    .filter((url) => url !== 'test/support/log-modules.ts')
}

const heavy = /undici|valibot|cosmiconfig|inquirer|\bora\b|chalk|yaml|node:https?$/

describe('what is loaded', () => {
  it('for --version is the file that prints it, and package.json', async () => {
    const modules = await modulesOf('--version')
    expect(modules.filter((url) => !url.startsWith('node:'))).toEqual(['bin/dray.js', 'package.json'])
  })

  it.each([['--help'], ['promote', '--help'], ['serve', '--help'], ['help', 'ls'], ['ls', '--help']])(
    'for %s %s is no HTTP client, schema library, prompt, spinner or colours',
    async (...words) => {
      const modules = await modulesOf(...words)
      expect(modules.filter((url) => heavy.test(url))).toEqual([])
      // the log works: what must be loaded is in it
      expect(modules).toContain('dist/main.cjs')
    },
  )

  it.each([
    ['promote', '--help'],
    ['serve', '--help'],
  ])('for %s %s is no command', async (...words) => {
    expect((await modulesOf(...words)).filter((url) => url.startsWith('dist/commands/'))).toEqual([])
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

describe('an unfit Node', () => {
  /** Runs the program's first file in a Node that says it is another. */
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
    '%s is told in one line which it must be',
    (version) => {
      const { code, stderr } = runAs(version)
      expect(code).toBe(1)
      expect(stderr).toMatch(/^[^\n]+\n$/)
      expect(stderr).toContain(`needs Node.js ${about.engines.node}; this is v${version}`)
    },
  )

  it.each(['24.15.0', '26.0.0', '27.1.0'])('%s is fit', (version) => {
    expect(runAs(version).code).toBe(0)
  })

  it('can parse the first file: it has no word that came after ES5 in it', () => {
    const source = readFileSync(program, 'utf8')
    expect(source).not.toMatch(/=>|`|\b(?:const|let|class|import|export|async|await)\b(?! else)/m)
    expect(JSON.parse(readFileSync(join(root, 'bin/package.json'), 'utf8'))).toEqual({ type: 'commonjs' })
  })
})
