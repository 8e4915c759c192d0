import { describe, expect, it } from 'vitest'
import { globalFlags } from '../../../src/cli/command/global-flags.ts'
import { globalLetters, globalNames, splitArguments } from '../../../src/cli/dispatch/split-arguments.ts'

describe('the table of global flags', () => {
  it('is that of the flags of every command, with help and version', () => {
    const flags = Object.entries(globalFlags).flatMap(([name, flag]) => {
      const negated = 'allowNo' in flag && flag.allowNo ? [[`no-${name}`, false] as const] : []
      return [[name, flag.type === 'option'] as const, ...negated]
    })
    expect(globalNames).toEqual({ ...Object.fromEntries(flags), help: false, version: false })
    const letters = Object.entries(globalFlags).flatMap(([name, { char }]) =>
      char === undefined ? [] : [[char, name] as const],
    )
    expect(globalLetters).toEqual({ ...Object.fromEntries(letters), h: 'help', V: 'version' })
  })
})

describe('the words of a command line', () => {
  const wordsOf = (line: string): readonly string[] =>
    splitArguments(line === '' ? [] : line.split(' ')).words.map(({ text }) => text)

  it.each([
    ['status', 'status'],
    ['--json status', 'status'],
    ['-o json status api', 'status api'],
    ['-ojson status', 'status'],
    ['-o=json status', 'status'],
    ['--output=json status', 'status'],
    ['-qo json status', 'status'],
    ['-vu me --password-stdin ls a/b', 'ls a/b'],
    ['--config x.yaml promote api --from staging', 'promote api'],
    ['--config=x.yaml --no-color -v ls a/b', 'ls a/b'],
    ['audit --json log --limit 5', 'audit log'],
    ['plan -o yaml show p.json', 'plan show p.json'],
    ['--json -- ls --all', 'ls --all'],
    ['ls -- --all', 'ls'],
    ['ls - x', 'ls - x'],
    ['', ''],
  ])('of "%s" are "%s"', (line, words) => {
    expect(wordsOf(line).join(' ')).toBe(words)
  })

  it.each([
    ['--from staging promote', '--from'],
    ['-x status', '-x'],
    ['--constructor status', '--constructor'],
    ['--json=yes status', '--json=yes'],
    ['--config', '--config'],
    ['-qe prod status', '-qe'],
  ])('end before a flag that is not global or has no value: %s', (line, stoppedAt) => {
    expect(splitArguments(line.split(' '))).toMatchObject({ words: [], stoppedAt })
  })
})
