import { describe, expect, it } from 'vitest'
import { commands } from '../../../src/cli/program/commands.ts'
import { findCommand } from '../../../src/cli/dispatch/find-command.ts'
import { splitArguments } from '../../../src/cli/dispatch/split-arguments.ts'
import { noCommand } from '../../../src/cli/dispatch/unknown-command.ts'

const ids = [
  'audit:log',
  'audit:verify',
  'config:init',
  'config:validate',
  'copy',
  'ls',
  'plan:show',
  'promote',
  'prune',
  'status',
]
const isCommand = (id: string): boolean => ids.includes(id)

describe('the command that arguments name', () => {
  it.each([
    ['ls a/b --all', 'ls', ['a/b', '--all']],
    ['list a/b', 'ls', ['a/b']],
    ['cp a b --yes', 'copy', ['a', 'b', '--yes']],
    ['--json status api', 'status', ['--json', 'api']],
    [
      '--config x.yaml promote api --from a --to b',
      'promote',
      ['--config', 'x.yaml', 'api', '--from', 'a', '--to', 'b'],
    ],
    ['audit --json log -n 5', 'audit:log', ['--json', '-n', '5']],
    ['-u me --password-stdin ls ls', 'ls', ['-u', 'me', '--password-stdin', 'ls']],
    ['--json -- ls --all', 'ls', ['--json', '--', '--all']],
  ])('of "%s" is %s, and the other arguments keep their order', (line, id, rest) => {
    expect(findCommand(line.split(' '), isCommand)).toEqual({ id, rest })
  })

  it.each(['constructor', 'toString x', 'lss', '--config ls', ''])('is none for "%s"', (line) => {
    expect(findCommand(line.split(' '), isCommand)).toBeUndefined()
  })
})

describe('the error for arguments that name no command', () => {
  it.each([
    ['promot api', '"promot" is not a command of dray', '"dray promote"'],
    ['lst a/b', '"lst" is not a command', '"dray ls"'],
    ['tags a/b', '"tags" is not a command', '"dray ls"'],
    ['init', '"init" is not a command', '"dray config init"'],
    ['validate', '"validate" is not a command', '"dray config validate"'],
    ['delete x', '"delete" is not a command', '"dray prune"'],
    ['gc', '"gc" is not a command', '"dray prune"'],
    ['sync a b', '"sync" is not a command', '"dray copy"'],
    ['push a', '"push" is not a command', '"dray copy"'],
    ['show p.json', '"show" is not a command', '"dray plan show"'],
    ['logs', '"logs" is not a command', '"dray audit log"'],
    ['plan shwo x', '"plan shwo" is not a command', '"dray plan show"'],
    ['audit xyzzyx', '"audit xyzzyx" is not a command', 'The commands are audit log, audit verify.'],
    ['xyzzy', '"xyzzy" is not a command', '"dray --help" lists the commands.'],
    ['--from a promote', '--from is not a global flag', 'after the command'],
    ['--jsno status', '--jsno is not a global flag', '"--json"'],
    ['--config status', '--config takes a value, and "status" is its value', 'dray --config VALUE status'],
    ['-o ls a/b', '-o takes a value, and "ls" is its value', 'dray -o VALUE ls'],
    ['--config', '--config needs a value', 'dray --config VALUE COMMAND'],
    ['audit --jsno log', '--jsno is not a global flag', '"--json"'],
    ['audit --limit 5 log', '--limit is not a global flag', 'after the command'],
    ['--json', 'a command is missing', '"dray --help"'],
  ])('of "%s" suggests what was meant', (line, message, hint) => {
    const error = noCommand(splitArguments(line.split(' ')), ids)
    expect(error.code).toBe('usage')
    expect(error.message).toContain(message)
    expect(error.hint).toContain(hint)
  })
})

describe('the words of other tools', () => {
  it.each([
    'tags',
    'init',
    'rm',
    'mirror',
    'deploy',
    'undo',
    'manifest',
    'why',
    'whoami',
    'ping',
    'registry',
  ])('lead to a command that exists: %s', (word) => {
    expect(noCommand(splitArguments([word]), Object.keys(commands)).hint).toMatch(
      /^Did you mean "dray [a-z ]+"\?/,
    )
  })
})
