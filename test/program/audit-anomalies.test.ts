import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { dailyRuns, entry, since } from '../support/anomalies/entries.ts'
import { writeLog } from '../support/anomalies/write-log.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'

const eve = { user: 'eve', host: 'kali' }
const period = ['--since', '2026-11-16', '--until', '2026-11-22']

async function withLog(config = 'version: 1\n'): Promise<{ project: Workplace; log: readonly string[] }> {
  const project = await warmWorkplace(config)
  const path = await writeLog([...dailyRuns(), entry(since + 10 * 3_600_000, { actor: eve })])
  return { project, log: ['--audit-file', path] }
}

describe('dray audit anomalies', () => {
  it('exits with 2 for findings with --detailed-exitcode, and with 0 without them', async () => {
    const { project, log } = await withLog()
    const run = (...args: readonly string[]): ReturnType<Workplace['run']> =>
      project.run('audit', 'anomalies', ...log, ...period, ...args)
    const found = await run('--detailed-exitcode')
    expect(found).toMatchObject({ code: 2, stderr: '' })
    expect(found.stdout).toContain('New actor: eve\n')
    expect((await run()).code).toBe(0)
    expect(await run('--detailed-exitcode', '--actor', 'ann')).toMatchObject({ code: 0 })
  })

  it('prints a document with the state of every rule, and hours in audit.timezone', async () => {
    const { project, log } = await withLog('version: 1\naudit: { timezone: Europe/Berlin }\n')
    const { stdout, code } = await project.run('audit', 'anomalies', ...log, ...period, '--json')
    expect(code).toBe(0)
    const { result } = JSON.parse(stdout) as {
      result: { rules: readonly object[]; findings: readonly object[] }
    }
    expect(result).toMatchObject({ timezone: 'Europe/Berlin', records: 1, baseline: { runs: 90 } })
    expect(result.rules).toHaveLength(13)
    expect(result.findings).toMatchObject([
      { rule: 'newActor', name: 'eve', records: { count: 1, lines: [{ seq: 92 }] } },
      { rule: 'newHost', name: 'kali' },
    ])
  })

  it('shows the records of a finding with the command that it prints', async () => {
    const { project, log } = await withLog()
    const { stdout } = await project.run('audit', 'anomalies', ...log, ...period)
    const [, command = ''] = /^ {2}dray (audit log .*)$/m.exec(stdout) ?? []
    const shown = await project.run(...command.split(' '))
    expect(shown.stdout.trimEnd().split('\n')).toHaveLength(2)
    expect(shown.stdout).toContain(' eve ')
  })

  it.each([
    ['--since', '2030-01-01'],
    ['--since', '2d', '--until', '3d'],
    ['--since', '2026-11-16', '--until', '2026-11-22', '--baseline', '2026-11-16'],
  ])('refuses a period or a baseline without time: %s %s', async (...args) => {
    const { project, log } = await withLog()
    const { code, stdout, stderr } = await project.run('audit', 'anomalies', ...log, ...args)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(' is not before ')
  })

  it('says that an empty log has not enough data, and that a missing log does not exist', async () => {
    const project = await warmWorkplace('version: 1\n')
    expect((await project.run('audit', 'anomalies')).stderr).toContain('does not exist')
    await writeFile(project.auditFile, '')
    const { code, stdout } = await project.run('audit', 'anomalies', '--detailed-exitcode')
    expect(code).toBe(0)
    expect(stdout).toContain('Unusual volume: the baseline has no records')
  })
})
