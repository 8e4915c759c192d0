import { describe, expect, it } from 'vitest'
import { dray, drayJson } from '../support/program.ts'

const shape = { schema: 'dray.result/v1', ok: false, warnings: [] }

describe('wrong usage', () => {
  it.each([
    [
      'a command that is none',
      ['promot', 'api:1'],
      '"promot" is not a command',
      'Did you mean "dray promote"?',
    ],
    [
      'a command of a topic',
      ['plan', 'shwo'],
      '"plan shwo" is not a command',
      'Did you mean "dray plan show"?',
    ],
    ['an unlike command', ['xyzzy'], '"xyzzy" is not a command', '"dray --help" lists the commands'],
    [
      'help for a command that is none',
      ['help', 'srve'],
      '"srve" is not a command',
      'Did you mean "dray serve"?',
    ],
    ['a flag that is none', ['ls', 'a/b', '--quite'], 'ls has no flag --quite', 'Did you mean "--quiet"?'],
    ['a flag before any command', ['--quiet'], 'dray has no flag --quiet', 'Flags stand behind a command'],
    ['a missing argument', ['ls'], 'missing argument: REPOSITORY', 'See "dray ls --help"'],
    ['an argument too many', ['ls', 'a/b', 'c/d'], 'unexpected argument: c/d', 'See "dray ls --help"'],
    ['a flag without its value', ['serve', '--port'], '--port expects a value', 'See "dray serve --help"'],
    ['a value of the wrong kind', ['serve', '--port', 'x'], '--port', 'See "dray serve --help"'],
    ['a time that is none', ['ls', 'a/b', '--timeout', 'soon'], '--timeout "soon" is not a duration', '15m'],
    ['a wait that is none', ['ls', 'a/b', '--max-wait', '5'], '--max-wait "5" is not a duration', '15m'],
    ['flags that exclude each other', ['ls', 'a/b', '-q', '-v'], '--quiet', 'See "dray ls --help"'],
    ['a reference that is none', ['ls', 'A b'], 'is not a reference', 'registry.example.com/team/api:1.4.2'],
    ['an environment that is none', ['ls', '@nowhere/api'], 'no environment "nowhere"', 'dray.yaml'],
  ])('%s: exit 64, what and what to do on stderr, nothing on stdout', async (_, words, what, todo) => {
    const ended = await dray(words)
    expect(ended).toMatchObject({ code: 64, stdout: '' })
    expect(ended.stderr).toMatch(/^error: /)
    expect(ended.stderr).toContain(what)
    expect(ended.stderr).toContain(todo)
    expect(ended.stderr).not.toMatch(/^ {4}at /m)
  })

  it.each([
    ['a command that is none', ['promot'], ''],
    ['a flag that is none', ['ls', 'a/b', '--quite'], 'ls'],
    ['a missing argument', ['plan', 'show'], 'plan show'],
    ['a time that is none', ['ls', 'a/b', '--timeout', 'soon'], 'ls'],
    ['help for a command that is none', ['help', 'srve'], ''],
  ])('%s with --json: exit 64 and one document', async (_, words, command) => {
    const { code, stderr, document } = await drayJson(words)
    expect({ code, stderr }).toEqual({ code: 64, stderr: '' })
    expect(document).toMatchObject({ ...shape, command, error: { code: 'usage' } })
    expect(Object.keys(document).sort()).toEqual(['command', 'error', 'ok', 'schema', 'warnings'])
  })
})

describe('an error of a run', () => {
  it('is exit 1 and three parts: a port that nobody listens on', async () => {
    const ended = await dray(['ls', '127.0.0.1:1/team/api'])
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/^error: .*127\.0\.0\.1:1.*\n {2}why: .*ECONNREFUSED.*\n {2}do: {2}.+\n$/)
  })

  it('is the same in one document with --json', async () => {
    const { code, document } = await drayJson(['ls', '127.0.0.1:1/team/api'])
    expect(code).toBe(1)
    expect(document).toMatchObject({ ...shape, command: 'ls', error: { code: 'network' } })
  })

  it('shows how it came about with DRAY_LOG=debug only', async () => {
    const ended = await dray(['ls', 'A b'], { env: { DRAY_LOG: 'debug' } })
    expect(ended.code).toBe(64)
    expect(ended.stderr).toMatch(/^ {4}at /m)
  })

  it('names a plan that is not there', async () => {
    const ended = await dray(['plan', 'show', 'nowhere.json'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('nowhere.json')
  })
})

describe('colours', () => {
  it('are there with --color and FORCE_COLOR, and not with NO_COLOR or in a pipe', async () => {
    const escape = '\u001b['
    const words = ['ls', '@nowhere/api']
    expect((await dray(words)).stderr).not.toContain(escape)
    expect((await dray([...words, '--color'])).stderr).toContain(escape)
    expect((await dray(words, { env: { FORCE_COLOR: '1' } })).stderr).toContain(escape)
    expect((await dray(words, { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stderr).not.toContain(escape)
  })
})

describe('help', () => {
  it('lists the commands, with a summary each', async () => {
    for (const words of [[], ['--help'], ['-h'], ['help']]) {
      const ended = await dray(words)
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      for (const command of ['autocomplete', 'inspect', 'ls', 'plan', 'promote', 'serve'])
        expect(ended.stdout).toMatch(new RegExp(`^ {2}${command} +\\S`, 'm'))
    }
  })

  it.each(['apply', 'copy', 'inspect', 'ls', 'plan show', 'promote', 'serve'])(
    'of %s has examples',
    async (command) => {
      const ended = await dray([...command.split(' '), '--help'])
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      expect(ended.stdout).toMatch(new RegExp(`EXAMPLES\\n[^]*\\$ dray (?:${command}|promote)`))
    },
  )

  it('of a topic lists its commands', async () => {
    expect((await dray(['plan'])).stdout).toContain('plan show')
  })
})
