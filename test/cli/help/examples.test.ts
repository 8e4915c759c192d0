import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Parser } from '@oclif/core'
import { afterAll, describe, expect, it } from 'vitest'
import { describeCommand } from '../../../src/cli/help/command-help.ts'
import { commands } from '../../../src/cli/program/commands.ts'
import { readManifest } from '../../../src/cli/program/manifest.ts'

const examples = (await readManifest()).flatMap((command) =>
  describeCommand(command).examples.map((one) => [command.id, one.description, one.command] as const),
)

/**
 * Functions in place of the programs: `dray` prints its arguments in one line, which is one write,
 * because several run at once in a pipe. jq compiles its program, because it has no input. The
 * others read and print nothing.
 */
const programs = `
dray() { local IFS=$'\\x1f'; printf '%s\\n' "$*" >&3; }
jq() { if type -P jq >/dev/null; then command jq "$@" </dev/null; fi; }
kubectl() { :; }
openssl() { :; }
printenv() { :; }
sha256sum() { :; }
ssh() { cat > /dev/null; }
xargs() { :; }
source() { :; }
Out-String() { :; }
Invoke-Expression() { :; }
`

const folder = mkdtempSync(join(tmpdir(), 'dray-examples-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs an example in bash. Returns the arguments of each `dray` in it. */
function run(example: string): readonly (readonly string[])[] {
  const digest = `sha256:${'0'.repeat(64)}`
  const ended = spawnSync('bash', ['-euo', 'pipefail', '-c', `${programs}\n${example}`], {
    encoding: 'utf8',
    // Some examples write files.
    cwd: folder,
    env: { PATH: process.env['PATH'], DIGEST: digest },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status: 0, stderr: '' })
  const printed = ended.output[3] ?? ''
  return printed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\x1f'))
}

/** Parses the arguments with the flags of the command that they name. */
async function parse(argv: readonly string[]): Promise<void> {
  const [first = '', second] = argv
  const id = Object.hasOwn(commands, `${first}:${second}`) ? `${first}:${second}` : first
  const load = Object.hasOwn(commands, id) ? commands[id] : undefined
  if (load === undefined) throw new Error(`no command ${first} ${second}`)
  if (id === 'help') return
  const { args, flags, baseFlags, strict } = (await load()).default
  await Parser.parse(argv.slice(id.split(':').length), { args, flags: { ...baseFlags, ...flags }, strict })
}

describe('an example', () => {
  it.each(examples)('of %s (%s) runs in a shell, and its flags exist', async (_, description, example) => {
    expect(description).toMatch(/^[A-Z].*[^.:]$/)
    const found = run(example)
    expect(found.length > 0 || example.startsWith('openssl')).toBe(true)
    for (const argv of found) await parse(argv)
  })

  it.each(examples)('of %s (%s) has lines of at most 76 columns', (_, description, example) => {
    expect([`# ${description}`, ...example.split('\n')].filter((line) => line.length > 76)).toEqual([])
  })

  it.each(examples)('of %s (%s) breaks no quoted text', (_, __, example) => {
    for (const line of example.split('\n')) {
      expect((line.match(/'/g) ?? []).length % 2).toBe(0)
      expect((line.match(/"/g) ?? []).length % 2).toBe(0)
    }
  })
})

it.each([
  ['dray ls @a/b --al', /Nonexistent flag/],
  ['dray promot a', /no command/],
  ['dray serve --port x', /integer/],
])('the check of examples finds the fault of %s', async (example, message) => {
  const [argv = []] = run(example)
  await expect(parse(argv)).rejects.toThrow(message)
})

it.skipIf(spawnSync('jq', ['--version']).error)('the check of examples finds a broken jq program', () => {
  expect(() => run("dray ls a | jq '.a | select('")).toThrow(/status: 3/)
})
