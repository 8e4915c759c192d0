import { expect, it } from 'vitest'
import { formatCommand } from '../../../src/cli/report/format-command.ts'

it.each([
  [['--out', 'my report.html'], "dray report --out 'my report.html'"],
  [
    ['--config', 'https://ada:secret@example.com/dray.yaml'],
    'dray report --config https://example.com/dray.yaml',
  ],
  [['--audit-file', 'dckr_pat_S3cr3tS3cr3tS3cr3t'], "dray report --audit-file '…'"],
  [[], 'dray report'],
] as const)('the command line of a report has no secrets: %j', (argv, expected) => {
  expect(formatCommand('report', argv)).toBe(expected)
})
