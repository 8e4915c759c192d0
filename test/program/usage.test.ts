import { describe, expect, it } from 'vitest'
import { warmDray, warmDrayJson } from '../support/program.ts'

const shape = { schema: 'dray.result/v1', ok: false, warnings: [] }

describe('wrong usage', () => {
  it.each([
    ['an unknown command', ['promot', 'api:1'], '"promot" is not a command', 'Did you mean "dray promote"?'],
    [
      'an unknown command of a topic',
      ['plan', 'shwo'],
      '"plan shwo" is not a command',
      'Did you mean "dray plan show"?',
    ],
    [
      'a command that resembles none',
      ['xyzzy'],
      '"xyzzy" is not a command',
      '"dray --help" lists the commands',
    ],
    [
      'help for an unknown command',
      ['help', 'srve'],
      '"srve" is not a command',
      'Did you mean "dray serve"?',
    ],
    ['an unknown flag', ['ls', 'a/b', '--quite'], 'ls has no flag --quite', 'Did you mean "--quiet"?'],
    ['flags without a command', ['--quiet'], 'a command is missing', '"dray --help" lists the commands'],
    [
      'a flag of a command before it',
      ['--from', 'a', 'promote'],
      '--from is not a global flag',
      'dray COMMAND',
    ],
    ['a mistyped flag before a command', ['--jsno', 'ls', 'a/b'], '--jsno is not', 'Did you mean "--json"?'],
    ['a flag that takes the command', ['-o', 'ls', 'a/b'], '"ls" is its value', 'dray -o VALUE ls'],
    ['a word of another tool', ['tags', 'a/b'], '"tags" is not a command', 'Did you mean "dray ls"?'],
    ['an unknown format', ['ls', 'a/b', '-o', 'jsno'], 'dray ls has no output format "jsno"', '"json"?'],
    ['a format that version lacks', ['--version', '-o', 'jsonl'], 'dray version has no output', 'text, json'],
    ['two formats', ['-o', 'name', 'ls', 'a/b', '-o=digest'], 'name and digest contradict each other', 'one'],
    ['a missing argument', ['ls'], 'missing argument: REPOSITORY', 'See "dray ls --help"'],
    ['an unexpected argument', ['ls', 'a/b', 'c/d'], 'unexpected argument: c/d', 'See "dray ls --help"'],
    ['a port as a folder', ['serve', '5000'], '5000 is the name of a folder', 'dray serve --port 5000'],
    ['a flag without its value', ['serve', '--port'], '--port needs a value', 'See "dray serve --help"'],
    ['a value of the wrong kind', ['serve', '--port', 'x'], '--port', 'See "dray serve --help"'],
    ['an invalid duration', ['ls', 'a/b', '--timeout', 'soon'], '--timeout "soon" is not a duration', '15m'],
    ['an invalid wait', ['ls', 'a/b', '--max-wait', '5'], '--max-wait "5" is not a duration', '15m'],
    [
      'a shell without completion',
      ['completion', 'tcsh'],
      'unknown argument "tcsh"',
      'The values are bash, zsh',
    ],
    ['a value outside a list', ['tag', 'a/b', '--next', 'mnor'], '--next has no value "mnor"', '"minor"?'],
    ['flags that exclude each other', ['ls', 'a/b', '-q', '-v'], '--quiet', 'See "dray ls --help"'],
    [
      'a user without a password, and a time',
      ['ls', 'a/b', '--timeout', '1h', '-u', 'me'],
      '--username needs a password',
      '--password-stdin',
    ],
    [
      'an invalid reference',
      ['ls', 'A b'],
      'is not an image reference',
      'registry.example.com/team/api:1.4.2',
    ],
    [
      'an unknown environment',
      ['ls', '@nowhere/api'],
      'the environment "nowhere" is not configured',
      'dray.yaml',
    ],
  ])('of %s exits with 64, an error and a hint on stderr', async (_, args, message, hint) => {
    const ended = await warmDray(args)
    expect(ended).toMatchObject({ code: 64, stdout: '' })
    expect(ended.stderr).toMatch(/^error: /)
    expect(ended.stderr).toContain(message)
    expect(ended.stderr).toContain(hint)
    expect(ended.stderr).not.toMatch(/^ {4}at /m)
  })

  it.each([
    ['an unknown command', ['promot'], ''],
    ['an unknown flag', ['ls', 'a/b', '--quite'], 'ls'],
    ['a missing argument', ['plan', 'show'], 'plan show'],
    ['an invalid duration', ['ls', 'a/b', '--timeout', 'soon'], 'ls'],
    ['help for an unknown command', ['help', 'srve'], 'help'],
    ['help for an unknown command', ['srve', '--help'], ''],
    ['a topic without a command', ['plan'], ''],
    ['an argument of version', ['version', 'now'], ''],
  ])('of %s with --json prints one document', async (_, args, command) => {
    const { code, stderr, document } = await warmDrayJson(args)
    expect({ code, stderr }).toEqual({ code: 64, stderr: '' })
    expect(document).toMatchObject({ ...shape, command, error: { code: 'usage' } })
    expect(Object.keys(document).sort()).toEqual(['command', 'error', 'ok', 'schema', 'warnings'])
  })
})

describe('an error of a run', () => {
  it('exits with 1 and prints error, why and do', async () => {
    const ended = await warmDray(['ls', '127.0.0.1:1/team/api'])
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/^error: .*127\.0\.0\.1:1.*\n {2}why: .*ECONNREFUSED.*\n {2}fix: .+\n$/)
  })

  it('is one document with --json', async () => {
    const { code, document } = await warmDrayJson(['ls', '127.0.0.1:1/team/api'])
    expect(code).toBe(1)
    expect(document).toMatchObject({ ...shape, command: 'ls', error: { code: 'network' } })
  })

  it('has a stack trace only with DRAY_LOG=debug', async () => {
    const ended = await warmDray(['ls', 'A b'], { env: { DRAY_LOG: 'debug' } })
    expect(ended.code).toBe(64)
    expect(ended.stderr).toMatch(/^ {4}at /m)
  })

  it('names a missing plan file', async () => {
    const ended = await warmDray(['plan', 'show', 'nowhere.json'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('nowhere.json')
  })
})

describe('colours', () => {
  it('appear with --color and FORCE_COLOR, and not with NO_COLOR or in a pipe', async () => {
    const escape = '\u001b['
    const args = ['ls', '@nowhere/api']
    expect((await warmDray(args)).stderr).not.toContain(escape)
    expect((await warmDray(['--color', ...args])).stderr).toContain(escape)
    expect((await warmDray(args, { env: { FORCE_COLOR: '1' } })).stderr).toContain(escape)
    const both = await warmDray(args, { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })
    expect(both.stderr).not.toContain(escape)
    expect(both.stderr).not.toContain('Warning')
  })
})

describe('help', () => {
  it('lists all commands with a summary', async () => {
    for (const help of [[], ['--help'], ['-h'], ['help']]) {
      const ended = await warmDray(help)
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      for (const command of ['audit', 'inspect', 'ls', 'plan show', 'promote', 'serve'])
        expect(ended.stdout).toMatch(new RegExp(`^ {2}${command} +\\S`, 'm'))
    }
  })

  it.each([
    [
      ['promote', '--help'],
      ['help', 'promote'],
    ],
    [
      ['plan', 'show', '-h'],
      ['help', 'plan', 'show', '--json'],
    ],
    [['audit'], ['help', 'audit']],
    [
      ['help', '--help'],
      ['help', 'help'],
    ],
    [
      ['ls', 'a/b', '--config', 'x', '--help'],
      ['ls', '--help'],
    ],
  ])('is the same for %j and %j', async (one, other) => {
    const [a, b] = await Promise.all([warmDray(one), warmDray(other)])
    expect(a).toMatchObject({ code: 0, stderr: '' })
    expect(a.stdout).toMatch(/\nUsage:\n {2}dray /)
    expect(b).toEqual(a)
  })

  it('of an unknown command of a topic is wrong usage', async () => {
    const ended = await warmDray(['plan', 'shwo', '--help'])
    expect(ended).toMatchObject({ code: 64, stdout: '' })
    expect(ended.stderr).toContain('Did you mean "dray plan show"?')
  })

  it('has the usage and an example below the error, if arguments are missing', async () => {
    const ended = await warmDray(['promote', 'api:1.4.2'])
    expect(ended).toMatchObject({ code: 64, stdout: '' })
    expect(ended.stderr).toMatch(
      /^error: [^]*\n\nUsage:\n {2}dray promote [^]*\nExample:\n {2}# .+\n {2}dray promote .+\n$/,
    )
  })
})
