import { describe, expect, it } from 'vitest'
import { exitOfReport } from '../../../src/cli/report/report-exit.ts'
import type { Report } from '../../../src/usecases/report/report.ts'
import {
  fullReport,
  policyPlan,
  repositoryUsage,
  statusOf,
  timelineOf,
  usageOf,
} from '../../support/report/report-values.ts'

type Sections = Report['sections']

const failed = { state: 'failed', error: { code: 'io', message: 'cannot read' } } as const
const fine = {
  status: { state: 'read', value: statusOf([['a', 'latest=x', 'latest=x', 'latest=x']]) },
} as const
const repository = { registry: 'r', path: 'a' }
const refusedWith = (code: 'refused' | 'network'): NonNullable<Sections['retention']> => ({
  state: 'read',
  value: {
    policies: [policyPlan(undefined, { refusals: [{ repository, error: { code, message: 'no' } }] })],
  },
})

describe('the exit code of a report', () => {
  it.each([
    ['0 if everything was read', 0, {}],
    ['0 if a limit refuses a plan', 0, { retention: refusedWith('refused') }],
    ['0 if a section is not configured', 0, { usage: { state: 'notConfigured', why: 'no', fix: 'x' } }],
    ['4 if a section could not be read', 4, { timeline: failed }],
    [
      '4 if a target is unreachable',
      4,
      { status: { state: 'read', value: statusOf([['a', '!', '-', '-']]) } },
    ],
    ['4 if a repository of a plan could not be read', 4, { retention: refusedWith('network') }],
    [
      '4 if the audit log is damaged',
      4,
      { timeline: { state: 'read', value: timelineOf([], { problem: { line: 2, why: 'cut' } }) } },
    ],
    [
      '4 if the usage of a repository is unknown',
      4,
      {
        usage: {
          state: 'read',
          value: usageOf([repositoryUsage('dev/api')], {
            unreachable: [{ repository, image: '@dev/a', error: failed.error }],
          }),
        },
      },
    ],
  ] as const satisfies readonly (readonly [string, number, Partial<Sections>])[])(
    'is %s',
    (_name, code, over) => {
      expect(exitOfReport(fullReport({ ...fine, ...over }))).toBe(code)
    },
  )

  it('is 1 if no section could be read', () => {
    const { sections: _sections, ...report } = fullReport()
    expect(exitOfReport({ ...report, sections: { status: failed, timeline: failed } })).toBe(1)
  })
})
