import { describe, expect, it } from 'vitest'
import { flagGroups } from '../../../src/cli/help/flag-groups.ts'
import { type CommandSource, describeCommand } from '../../../src/cli/help/command-help.ts'
import { helpPage } from '../../../src/cli/help/layout.ts'
import { renderCommand } from '../../../src/cli/help/render-command.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

const source: CommandSource = {
  id: 'plan:make',
  summary: 'Make a plan.',
  description:
    'The first paragraph has a sentence that is too long for one line of a terminal with 60 columns.\n\n- an item of a list that is also too long for one line of that terminal\n- a short one',
  examples: [{ description: 'Make one', command: 'dray plan make a \\\n    --format json' }],
  args: {
    image: { description: 'An image.', required: true },
    other: { description: 'Another image.' },
    internal: { description: 'Not shown.', hidden: true },
  },
  flags: {
    json: { type: 'boolean', summary: 'Print JSON.', helpGroup: flagGroups.output },
    force: { type: 'boolean', char: 'f', summary: 'Force it.', helpGroup: flagGroups.safety },
    format: {
      type: 'option',
      summary: 'Format.',
      helpGroup: flagGroups.output,
      helpValue: 'FORMAT',
      options: ['json', 'csv'],
      required: true,
    },
    limit: {
      type: 'option',
      char: 'n',
      summary: 'Limit of the images in the plan.',
      helpGroup: flagGroups.output,
      helpValue: 'COUNT',
      default: 50,
      multiple: true,
      env: 'DRAY_LIMIT',
    },
    cache: { type: 'boolean', allowNo: true, summary: 'Use it.', helpGroup: flagGroups.connection },
    secret: { type: 'boolean', hidden: true },
  },
}

describe('the help of a command', () => {
  it('has usage, examples, flags in groups, details and the page', () => {
    expect(renderCommand(describeCommand(source), 'docs/', helpPage(plainStyle, 60))).toBe(
      [
        'Make a plan.',
        '',
        'Usage:',
        '  dray plan make IMAGE [OTHER] --format FORMAT [flags]',
        '',
        'Examples:',
        '  # Make one',
        '  dray plan make a \\',
        '      --format json',
        '',
        'Arguments:',
        '  IMAGE                An image.',
        '  OTHER                Another image.',
        '',
        'Safety flags:',
        '  -f, --force          Force it.',
        '',
        'Output flags:',
        '      --format FORMAT  Format. (json|csv) (required)',
        '  -n, --limit COUNT    Limit of the images in the plan.',
        '                       (repeatable) (default: 50)',
        '                       (env: DRAY_LIMIT)',
        '      --json           Print JSON.',
        '',
        'Connection flags:',
        '      --[no-]cache     Use it.',
        '',
        'Details:',
        '  The first paragraph has a sentence that is too long for',
        '  one line of a terminal with 60 columns.',
        '',
        '  - an item of a list that is also too long for one line of',
        '    that terminal',
        '  - a short one',
        '',
        'Learn more:',
        '  docs/README.md',
        '',
      ].join('\n'),
    )
  })

  it('names the aliases of the command', () => {
    const text = renderCommand(describeCommand({ ...source, id: 'copy' }), 'docs/', helpPage(plainStyle, 60))
    expect(text).toContain('\nAliases:\n  dray cp\n\n')
  })

  it('puts the text of a very long flag on the next line', () => {
    const flags = {
      'a-flag-with-a-long-name': {
        type: 'option',
        summary: 'Long.',
        helpValue: 'VALUE-OF-IT',
        helpGroup: flagGroups.audit,
      },
    } as const
    const help = renderCommand(describeCommand({ id: 'x', args: {}, flags }), '', helpPage(plainStyle, 80))
    expect(help).toContain(`\n      --a-flag-with-a-long-name VALUE-OF-IT\n${' '.repeat(36)}Long.\n`)
  })
})
