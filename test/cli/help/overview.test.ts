import { describe, expect, it } from 'vitest'
import { helpPage } from '../../../src/cli/help/layout.ts'
import { type Program, renderProgram, renderTopic } from '../../../src/cli/help/render-overview.ts'
import type { Style } from '../../../src/render/text/style.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

const page = helpPage(plainStyle, undefined)
const program: Program = {
  description: 'Promote images.',
  commands: [
    { id: 'apply', summary: 'Execute a plan.' },
    { id: 'audit:log', summary: 'Show records.' },
    { id: 'audit:verify', summary: 'Verify the log.' },
    { id: 'ls', summary: 'List tags.' },
    { id: 'plan:show', summary: 'Show a plan.' },
    { id: 'promote', summary: `Promote ${'many '.repeat(20)}images.` },
  ],
  topics: new Map([
    ['audit', 'Audit logs.'],
    ['plan', 'Saved plans.'],
  ]),
  homepage: 'https://example.com/',
  docs: 'https://example.com/docs/',
  bugs: 'https://example.com/issues',
}

describe('the overview', () => {
  it('has the existing commands in the groups and order of the table, in one column', () => {
    const text = renderProgram(program, page)
    expect(text.slice(text.indexOf('Core'), text.indexOf('Flags:'))).toBe(
      [
        'Core commands:',
        '  promote        Promote many many many many many many many many many many many',
        '                 many many many many many many many many many images.',
        '  ls             List tags.',
        '',
        'Plan commands:',
        '  apply          Execute a plan.',
        '  plan show      Show a plan.',
        '',
        'Audit commands:',
        '  audit          Audit logs.',
        '',
        '',
      ].join('\n'),
    )
  })

  it('ends with the addresses of the website, the documentation and bug reports', () => {
    expect(renderProgram(program, page)).toMatch(
      /\n\nLearn more:\n {2}Website +https:\/\/example\.com\/\n {2}Documentation +https:\/\/example\.com\/docs\/README\.md\n {2}Report a bug +https:\/\/example\.com\/issues\n {2}Report a vulnerability +see SECURITY\.md\n$/,
    )
  })

  it('has the commands of a topic, and their pages', () => {
    expect(renderTopic('audit', program, page)).toBe(
      [
        'Audit logs.',
        '',
        'Usage:',
        '  dray audit COMMAND [flags]',
        '',
        'Commands:',
        '  log     Show records.',
        '  verify  Verify the log.',
        '',
        'Run "dray audit COMMAND --help" for the flags and examples of a command.',
        '',
        'Learn more:',
        '  https://example.com/docs/audit.md',
        '  https://example.com/docs/anomalies.md',
        '',
      ].join('\n'),
    )
  })

  it('has styled headings and nothing else that is styled', () => {
    const marked: Style = { ...plainStyle, bold: (text) => `<${text}>` }
    const styled = renderProgram(program, helpPage(marked, 120))
    expect(styled.match(/<.*>/g)).toEqual([
      '<Usage:>',
      '<Examples:>',
      '<Core commands:>',
      '<Plan commands:>',
      '<Audit commands:>',
      '<Flags:>',
      '<Learn more:>',
    ])
  })
})

describe('the width of help', () => {
  it.each([
    [undefined, 80],
    [200, 80],
    [60, 60],
    [10, 40],
  ])('on a terminal of %s columns is %s', (columns, width) => {
    expect(helpPage(plainStyle, columns).width).toBe(width)
  })
})
