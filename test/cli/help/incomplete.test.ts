import { describe, expect, it } from 'vitest'
import { renderIncomplete } from '../../../src/cli/help/incomplete.ts'
import { helpPage } from '../../../src/cli/help/layout.ts'
import { readManifest } from '../../../src/cli/program/manifest.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

const commands = await readManifest()

/** What dray prints below the error of a command line, if the line lacks arguments. */
function usageBelow(commandLine: string): string | undefined {
  const words = commandLine.split(' ')
  const command = commands.find(({ id }) => id === words.slice(0, 2).join(':') || id === words[0])
  if (command === undefined) throw new Error(`no command ${commandLine}`)
  return renderIncomplete(command, words.slice(command.id.split(':').length), helpPage(plainStyle, undefined))
}

describe('a command line without required arguments', () => {
  it('gets the usage of the command and its first example', () => {
    expect(usageBelow('ls')).toBe(
      [
        'Usage:',
        '  dray ls REPOSITORY [flags]',
        '',
        'Example:',
        '  # List the tags of an image in an environment',
        '  dray ls @staging/api',
        '',
      ].join('\n'),
    )
  })

  it.each([
    'promote',
    'promote api:1.4.2',
    'promote api:1.4.2 --from staging',
    'promote --from staging --to prod',
    'promote --to=prod -y',
    'promote api:1.4.2 -u ci',
    'copy @dev/api:1',
    'diff staging',
    'tag',
    'tag --next minor',
    'rollback --env prod',
    'audit merge a.jsonl',
    'audit merge --out all.jsonl',
    'audit export --out x.csv',
    'plan show',
    'ls --limit 5',
  ])('gets the usage: %s', (commandLine) => {
    expect(usageBelow(commandLine)).toMatch(/^Usage:\n {2}dray /)
  })
})

describe('a command line with required arguments', () => {
  it.each([
    'promote api:1.4.2 --from staging --to prod',
    'promote api:1.4.2 --to prod',
    'promote --from=staging --to=prod -- api:1.4.2',
    'promote @staging/api:1.4.2 @prod',
    'tag @dev/api:build-7',
    'tag @dev/api:build-7 --next minor',
    'prune',
    'prune --explain @dev/api:1',
    'status',
    'ls @dev/api --nosuch',
    'audit merge a.jsonl --out all.jsonl',
    'login -u ci registry.example.com',
    'logout',
  ])('gets no usage, because something else is wrong: %s', (commandLine) => {
    expect(usageBelow(commandLine)).toBeUndefined()
  })
})
