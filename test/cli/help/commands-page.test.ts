import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { commandsPage, commandsPageFile } from '../../../scripts/commands-page.ts'
import { readManifest } from '../../../src/cli/program/manifest.ts'

const commands = await readManifest()

describe('docs/commands.md', () => {
  it('is the output of npm run docs:commands', async () => {
    expect(await readFile(commandsPageFile, 'utf8')).toBe(commandsPage(commands))
  })

  it('has every command except help, with its summary', () => {
    const page = commandsPage(commands)
    for (const { id, summary } of commands) {
      const heading = `\n### dray ${id.replaceAll(':', ' ')}\n\n${summary}\n`
      expect(page.includes(heading)).toBe(id !== 'help')
    }
  })

  it('has prose of at most 100 columns', () => {
    const prose = commandsPage(commands)
      .split('\n')
      .filter((line) => !line.startsWith('|'))
    expect(prose.filter((line) => line.length > 100)).toEqual([])
  })
})
