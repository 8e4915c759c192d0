import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { commandsPage, commandsPageFile, loadCommands } from '../../../scripts/commands-page.ts'

const commands = await loadCommands()

describe('docs/commands.md', () => {
  it('is the output of npm run docs:commands', async () => {
    expect(await readFile(commandsPageFile, 'utf8')).toBe(commandsPage(commands))
  })

  it('has every command that is not hidden, with its summary', () => {
    const page = commandsPage(commands)
    for (const { id, summary, hidden } of commands) {
      const heading = `\n### dray ${id.replaceAll(':', ' ')}\n\n${summary}\n`
      expect(page.includes(heading)).toBe(!hidden && id !== 'help')
    }
  })

  it('has prose of at most 100 columns', () => {
    const prose = commandsPage(commands)
      .split('\n')
      .filter((line) => !line.startsWith('|'))
    expect(prose.filter((line) => line.length > 100)).toEqual([])
  })
})
