import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chainComplaints, outcome } from '../support/audit-log.ts'
import { writeLog, exampleRecords } from '../support/log-files.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'

async function withLog(): Promise<{ project: Workplace; lines: readonly string[] }> {
  const project = await warmWorkplace('version: 1\n')
  return { project, lines: writeLog(project.auditFile, exampleRecords()) }
}

describe('dray audit export', () => {
  it.each([
    ['cloudevents', { type: 'dev.dray.promote.refused' }],
    ['ocsf', { class_uid: 6003, status: 'Failure' }],
  ])('writes one line of JSON for each outcome and refusal: %s', async (format, last) => {
    const { project } = await withLog()
    const { code, stderr, stdout } = await project.run('audit', 'export', '--format', format)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(events).toHaveLength(4)
    expect(events[3]).toMatchObject(last)
    // The hash of the line before has no meaning outside of the log.
    expect(stdout).not.toContain('"prev"')
  })

  it('writes one CDEvent for each tag that was written, and none for a refusal', async () => {
    const { project } = await withLog()
    const { code, stderr, stdout } = await project.run('audit', 'export', '--format', 'cdevents')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const events = stdout.trimEnd().split('\n')
    expect(events.map((line) => JSON.parse(line) as unknown)).toMatchObject(
      Array.from({ length: 3 }, () => ({ type: 'dev.cdevents.artifact.published.0.3.0' })),
    )
    expect(stdout).not.toContain('"prev"')
  })

  it('writes CSV with a heading and every matching record', async () => {
    const { project } = await withLog()
    const all = await project.run('audit', 'export', '--format', 'csv')
    expect(all.stdout.split('\r\n')).toHaveLength(9)
    const some = await project.run(
      'audit',
      'export',
      '--format',
      'csv',
      '--result',
      'done',
      '--since',
      '2026-11-23T00:00:01Z',
    )
    expect(some.stdout.split('\r\n')).toHaveLength(4)
    expect(some.stdout).toMatch(/^seq,time,/)
  })

  it('writes a complete file or none', async () => {
    const { project, lines } = await withLog()
    const { document } = await project.json('audit', 'export', '--format', 'ocsf', '--out', 'events.jsonl')
    expect(document).toMatchObject({ ok: true, result: { file: 'events.jsonl', count: 4 } })
    expect(readFileSync(join(project.folder, 'events.jsonl'), 'utf8').split('\n')).toHaveLength(5)
    writeFileSync(project.auditFile, [...lines.slice(0, 3), 'nonsense', ...lines.slice(3), ''].join('\n'))
    const ended = await project.run('audit', 'export', '--format', 'csv', '--out', 'audit.csv')
    expect(ended.code).toBe(1)
    expect(existsSync(join(project.folder, 'audit.csv'))).toBe(false)
  })

  it('exits with 64 without a format, or with --json and without a file', async () => {
    const { project } = await withLog()
    expect(await project.run('audit', 'export')).toMatchObject({ code: 64, stdout: '' })
    expect(await project.json('audit', 'export', '--format', 'csv')).toMatchObject({
      code: 64,
      document: { ok: false, error: { code: 'usage' } },
    })
  })
})

describe('dray audit merge', () => {
  async function withTwo(): Promise<Workplace> {
    const project = await warmWorkplace('version: 1\n')
    const shared = outcome({ run: 'shared', time: '2026-11-23T00:00:09.000Z' })
    writeLog(join(project.folder, 'a.jsonl'), [...exampleRecords(), shared])
    writeLog(join(project.folder, 'b.jsonl'), [
      ...exampleRecords().map((one) => ({ ...one, run: 'run2' })),
      shared,
    ])
    return project
  }

  it('writes one valid log with each record once', async () => {
    const project = await withTwo()
    const merged = await project.run('audit', 'merge', 'a.jsonl', 'b.jsonl', '--out', 'all.jsonl')
    expect(merged).toMatchObject({
      code: 0,
      stdout: '2 logs merged into all.jsonl: 15 records. 1 record found in several logs.\n',
    })
    expect(chainComplaints(join(project.folder, 'all.jsonl'))).toEqual([])
    const verified = await project.run('audit', 'verify', '--audit-file', 'all.jsonl')
    expect(verified.stdout).toContain('all.jsonl is intact: 15 records')
    expect(
      (await project.run('audit', 'log', '--audit-file', 'all.jsonl', '--all')).stdout.split('\n'),
    ).toHaveLength(11)
  })

  it('names the first bad line of a damaged log, and writes nothing', async () => {
    const project = await withTwo()
    const path = join(project.folder, 'b.jsonl')
    writeFileSync(path, readFileSync(path, 'utf8').split('\n').toSpliced(2, 1).join('\n'))
    const ended = await project.run('audit', 'merge', 'a.jsonl', 'b.jsonl', '--out', 'all.jsonl')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('line 3 of b.jsonl is not valid')
    expect(existsSync(join(project.folder, 'all.jsonl'))).toBe(false)
  })

  it('exits with an error if the output exists or a log does not', async () => {
    const project = await withTwo()
    const over = await project.run('audit', 'merge', 'a.jsonl', '--out', 'b.jsonl')
    expect(over.code).toBe(64)
    expect(over.stderr).toContain('b.jsonl already exists')
    const absent = await project.run('audit', 'merge', 'a.jsonl', 'c.jsonl', '--out', 'all.jsonl')
    expect(absent).toMatchObject({ code: 1 })
    expect(absent.stderr).toContain('the audit log c.jsonl does not exist')
    expect(await project.run('audit', 'merge', '--out', 'all.jsonl')).toMatchObject({ code: 64 })
  })
})
