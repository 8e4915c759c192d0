import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { flagGroups } from '../../../src/cli/help/flag-groups.ts'
import { describeCommand } from '../../../src/cli/help/command-help.ts'
import { commandTable, indexPage, pageOf } from '../../../src/cli/help/command-table.ts'
import { helpPage, maxWidth } from '../../../src/cli/help/layout.ts'
import { renderCommand } from '../../../src/cli/help/render-command.ts'
import { readManifest } from '../../../src/cli/program/manifest.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const commands = await readManifest()
const named = commands.map((command) => [command.id.replaceAll(':', ' '), command] as const)

/** At most 60 characters that end with a full stop. The help adds that a flag is repeatable. */
function isSummary(text: string | undefined): boolean {
  return text !== undefined && text.length <= 60 && /^[A-Z@].*\.$/.test(text) && !text.includes('repeatable')
}

function linesOf(command: (typeof commands)[number], width: number): readonly string[] {
  return renderCommand(describeCommand(command), 'docs/', helpPage(plainStyle, width)).split('\n')
}

/** The column at which the text of each flag begins. */
function columnsOf(lines: readonly string[]): readonly number[] {
  return lines.flatMap((line) => {
    const label = /^ {2}(?:-\w, | {4})--\S+(?: \S+)? {2,}(?=\S)/.exec(line)?.[0]
    return label === undefined ? [] : [label.length]
  })
}

describe('the static text of commands', () => {
  it.each(named)('of %s has summaries of at most 60 characters with a full stop', (_, command) => {
    const flags = Object.entries(command.flags).filter(([, { hidden }]) => hidden !== true)
    const texts = [
      ['summary', command.summary],
      ...flags.map(([name, { summary }]) => [`--${name}`, summary]),
      ...Object.entries(command.args).map(([name, { description }]) => [name, description]),
    ]
    expect(texts.filter(([, text]) => !isSummary(text))).toEqual([])
  })

  it.each(named)('of %s names the default of a flag once', (_, command) => {
    // Without the indentation of a summary that continues on the next line.
    const text = linesOf(command, maxWidth).join(' ').replaceAll(/ +/g, ' ')
    expect(text).not.toMatch(/\(default: [^)]*\)\. \(default:/)
  })

  it.each(named)('of %s has one of the groups for each flag', (_, command) => {
    const known: readonly (string | undefined)[] = Object.values(flagGroups)
    const flags = Object.entries(command.flags).filter(([, { helpGroup }]) => !known.includes(helpGroup))
    expect(flags.map(([name]) => name)).toEqual([])
  })

  it.each(named)('of %s has no template and no usage of more than two lines', (_, command) => {
    expect(linesOf(command, maxWidth).join('\n')).not.toContain('<%')
    expect(describeCommand(command).usage.length).toBeLessThanOrEqual(2)
  })
})

describe('the help of commands', () => {
  it.each(named)('%s has lines of at most 80 columns, also on wider terminals', (_, command) => {
    for (const width of [80, 120, 200])
      expect(linesOf(command, width).filter((line) => line.length > maxWidth)).toEqual([])
  })

  it.each(named)('%s has narrower lines on narrower terminals, except examples', (_, command) => {
    const lines = linesOf(command, 50)
    const examples = new Set(describeCommand(command).examples.flatMap((one) => one.command.split('\n')))
    const wide = lines.filter((line) => line.length > 50 && !line.startsWith('  # '))
    expect(wide.filter((line) => !examples.has(line.slice(2)))).toEqual([])
  })

  it.each(named)('%s has the texts of all flags in one column', (_, command) => {
    const columns = columnsOf(linesOf(command, maxWidth))
    expect(columns.length).toBeGreaterThanOrEqual(10)
    expect(new Set(columns).size).toBe(1)
  })

  it.each(named)('%s has its sections in order', (_, command) => {
    const order = [
      'Usage:',
      'Aliases:',
      'Examples:',
      'Arguments:',
      ...Object.values(flagGroups).map((title) => `${title} flags:`),
      'Details:',
      'Learn more:',
    ]
    const titles = linesOf(command, maxWidth).filter((line) => /^\S.*:$/.test(line))
    expect(titles).toEqual(order.filter((title) => titles.includes(title)))
    expect(titles).toEqual(expect.arrayContaining(['Usage:', 'Examples:', 'Learn more:']))
  })

  it.each(named)('%s ends with an existing page', (id, command) => {
    const page = pageOf(command.id)
    expect(linesOf(command, maxWidth).slice(-3)).toEqual(['Learn more:', `  docs/${page}`, ''])
    expect(page === indexPage).toBe(id === 'help')
    expect(existsSync(join(root, 'docs', page))).toBe(true)
  })
})

it('every command except help is in one group of the overview', () => {
  const ids = commandTable.flatMap((group) => Object.keys(group.commands))
  const visible = commands.filter(({ id }) => id !== 'help').map(({ id }) => id)
  expect(visible.filter((id) => ids.filter((one) => one === id).length !== 1)).toEqual([])
})
