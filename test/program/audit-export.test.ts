import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chainComplaints, outcome } from '../support/audit-log.ts'
import { putLog, story } from '../support/log-files.ts'
import { type Workplace, workplace } from '../support/workplace.ts'

async function withLog(): Promise<{ at: Workplace; lines: readonly string[] }> {
  const at = await workplace('version: 1\n')
  return { at, lines: putLog(at.auditFile, story()) }
}

describe('dray audit export', () => {
  it.each([
    ['cloudevents', { type: 'dev.dray.promote.refused' }],
    ['ocsf', { class_uid: 6003, status: 'Failure' }],
  ])('writes an event for each outcome and refusal, a JSON on each line: %s', async (format, last) => {
    const { at } = await withLog()
    const { code, stderr, stdout } = await at.run('audit', 'export', '--format', format)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(events).toHaveLength(4)
    expect(events[3]).toMatchObject(last)
    // a place in a chain means nothing outside of it
    expect(stdout).not.toContain('"prev"')
  })

  it('writes CSV with a heading and every record that fits', async () => {
    const { at } = await withLog()
    const all = await at.run('audit', 'export', '--format', 'csv')
    expect(all.stdout.split('\r\n')).toHaveLength(9)
    const some = await at.run(
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

  it('writes to a file, whole or not at all', async () => {
    const { at, lines } = await withLog()
    const { document } = await at.json('audit', 'export', '--format', 'ocsf', '--out', 'events.jsonl')
    expect(document).toMatchObject({ ok: true, result: { file: 'events.jsonl', count: 4 } })
    expect(readFileSync(join(at.folder, 'events.jsonl'), 'utf8').split('\n')).toHaveLength(5)
    writeFileSync(at.auditFile, [...lines.slice(0, 3), 'nonsense', ...lines.slice(3), ''].join('\n'))
    const ended = await at.run('audit', 'export', '--format', 'csv', '--out', 'audit.csv')
    expect(ended.code).toBe(1)
    expect(existsSync(join(at.folder, 'audit.csv'))).toBe(false)
  })

  it('wants a format, and a file with --json', async () => {
    const { at } = await withLog()
    expect(await at.run('audit', 'export')).toMatchObject({ code: 64, stdout: '' })
    expect(await at.json('audit', 'export', '--format', 'csv')).toMatchObject({
      code: 64,
      document: { ok: false, error: { code: 'usage' } },
    })
  })
})

describe('dray audit merge', () => {
  async function withTwo(): Promise<Workplace> {
    const at = await workplace('version: 1\n')
    const shared = outcome({ run: 'shared', time: '2026-11-23T00:00:09.000Z' })
    putLog(join(at.folder, 'a.jsonl'), [...story(), shared])
    putLog(join(at.folder, 'b.jsonl'), [...story().map((one) => ({ ...one, run: 'run2' })), shared])
    return at
  }

  it('makes one log that verifies, with a record that is in both once', async () => {
    const at = await withTwo()
    const merged = await at.run('audit', 'merge', 'a.jsonl', 'b.jsonl', '--out', 'all.jsonl')
    expect(merged).toMatchObject({
      code: 0,
      stdout: '2 logs merged into all.jsonl: 15 records. 1 record stood in more than one.\n',
    })
    expect(chainComplaints(join(at.folder, 'all.jsonl'))).toEqual([])
    const verified = await at.run('audit', 'verify', '--audit-file', 'all.jsonl')
    expect(verified.stdout).toContain('all.jsonl is whole: 15 records')
    expect(
      (await at.run('audit', 'log', '--audit-file', 'all.jsonl', '--all')).stdout.split('\n'),
    ).toHaveLength(11)
  })

  it('names the first bad line of a log that is not whole, and writes nothing', async () => {
    const at = await withTwo()
    const path = join(at.folder, 'b.jsonl')
    writeFileSync(path, readFileSync(path, 'utf8').split('\n').toSpliced(2, 1).join('\n'))
    const ended = await at.run('audit', 'merge', 'a.jsonl', 'b.jsonl', '--out', 'all.jsonl')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('line 3 of b.jsonl is bad')
    expect(existsSync(join(at.folder, 'all.jsonl'))).toBe(false)
  })

  it('writes over no file, and takes no log that is not there', async () => {
    const at = await withTwo()
    const over = await at.run('audit', 'merge', 'a.jsonl', '--out', 'b.jsonl')
    expect(over.code).toBe(64)
    expect(over.stderr).toContain('b.jsonl is there already')
    const absent = await at.run('audit', 'merge', 'a.jsonl', 'c.jsonl', '--out', 'all.jsonl')
    expect(absent).toMatchObject({ code: 1 })
    expect(absent.stderr).toContain('there is no audit log at c.jsonl')
    expect(await at.run('audit', 'merge', '--out', 'all.jsonl')).toMatchObject({ code: 64 })
  })
})
