import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { outcome, refusal } from '../support/audit-log.ts'
import { writeLog, exampleRecords } from '../support/log-files.ts'
import { compileCache } from '../support/program.ts'
import { program } from '../support/program-command.ts'
import { world } from '../support/world.ts'
import { toProd, type Workplace, warmWorkplace } from '../support/workplace.ts'

async function withLog(changes = 3): Promise<{ project: Workplace; lines: readonly string[] }> {
  const project = await warmWorkplace('version: 1\n')
  return { project, lines: writeLog(project.auditFile, exampleRecords(changes)) }
}

const rows = (stdout: string): readonly string[] => stdout.trimEnd().split('\n').slice(1)

describe('dray audit log', () => {
  it('shows the records of a promotion and of a refusal', async () => {
    const from = await world().image('api:1.4.2').start()
    const project = await warmWorkplace(from.config)
    expect((await project.run(...toProd('api:1.4.2'))).code).toBe(0)
    expect((await project.run(...toProd('api:9.9.9'))).code).not.toBe(0)
    const { code, stderr, stdout } = await project.run('audit', 'log')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /^TIME \(UTC\) .*\n(?:.*\n)*.* promote .*tag 1\.4\.2 -> sha256:.* staging -> prod .*done\n/,
    )
    expect(rows(stdout).at(-1)).toMatch(/api:9\.9\.9 .*refused$/)
  })

  it('shows the last 50 records and says that there are more', async () => {
    const { project } = await withLog(60)
    const { stderr, stdout } = await project.run('audit', 'log')
    expect(rows(stdout)).toHaveLength(50)
    expect(rows(stdout).at(-1)).toMatch(/refused$/)
    expect(stderr).toBe('The last 50 records. Show all with --all.\n')
    expect(rows((await project.run('audit', 'log', '--all')).stdout)).toHaveLength(61)
    expect(rows((await project.run('audit', 'log', '-n', '7')).stdout)).toHaveLength(7)
  })

  it.each([
    [['--result', 'refused', '--result', 'done', '--env', 'prod', '--operation', 'promote'], 4],
    [['--image', 'prod.example/api:1.4.1'], 1],
    [['--actor', 'tester', '--since', '2026-11-23T00:00:02Z'], 2],
    [['--until', '2026-11-22'], 0],
  ])('shows the records that match %s: %d', async (filter, count) => {
    const { project } = await withLog()
    const { code, stderr, stdout } = await project.run('audit', 'log', ...filter)
    expect(code).toBe(0)
    expect(count === 0 ? stdout : rows(stdout)).toHaveLength(count)
    expect(stderr).toBe(count === 0 ? `No records in ${project.auditFile} match.\n` : '')
  })

  it.each([['--jsonl'], ['--output=jsonl'], ['-ojsonl']])(
    'prints the lines byte for byte with %s',
    async (flag) => {
      const { project, lines } = await withLog(200)
      const all = await project.run('audit', 'log', '--all', flag)
      expect(all.stdout).toBe(lines.map((line) => `${line}\n`).join(''))
      const some = await project.run('audit', 'log', '--result', 'done', '-n', '2', flag)
      const done = lines.filter((line) => line.includes('"result":"done"'))
      expect(some).toMatchObject({ stdout: `${done.slice(-2).join('\n')}\n`, stderr: '' })
    },
  )

  it('prints one document with --json, and refuses one that is too large', async () => {
    const { project, lines } = await withLog()
    const { document } = await project.json('audit', 'log')
    expect(document).toMatchObject({ ok: true, result: { log: project.auditFile } })
    expect(document.result).toHaveProperty(
      'records',
      lines.map((line) => JSON.parse(line) as unknown),
    )
    writeLog(
      project.auditFile,
      Array.from({ length: 40 }, () => refusal({ reason: 'x'.repeat(500_000) })),
    )
    const large = await project.json('audit', 'log')
    expect(large).toMatchObject({ code: 64, document: { ok: false, error: { code: 'usage' } } })
    expect(large.document.error?.hint).toContain('-o jsonl')
  })

  it('exits with 1 and a hint if the log does not exist', async () => {
    const project = await warmWorkplace('version: 1\n')
    const ended = await project.run('audit', 'log')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain(`the audit log ${project.auditFile} does not exist`)
    expect(ended.stderr).toContain('--audit-file')
    expect(existsSync(project.auditFile)).toBe(false)
  })

  it('reads the log of --audit-file, or that of dray.yaml without the flag', async () => {
    const project = await warmWorkplace('version: 1\naudit:\n  file: here.jsonl\n', { DRAY_AUDIT_FILE: '' })
    writeLog(join(project.folder, 'here.jsonl'), exampleRecords(1))
    writeLog(join(project.folder, 'there.jsonl'), exampleRecords(4))
    expect(rows((await project.run('audit', 'log')).stdout)).toHaveLength(2)
    expect(rows((await project.run('audit', 'log', '--audit-file', 'there.jsonl')).stdout)).toHaveLength(5)
  })

  it('exits with 1 if a line is not a record, and names its position', async () => {
    const { project, lines } = await withLog()
    writeFileSync(project.auditFile, [lines[0], 'nonsense', ...lines.slice(1), ''].join('\n'))
    const ended = await project.run('audit', 'log')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain(`cannot show the line at byte ${(lines[0] ?? '').length + 1}`)
  })

  it('escapes control characters of a record', async () => {
    const project = await warmWorkplace('version: 1\n')
    writeLog(project.auditFile, [outcome({ image: '\u001b[2J', actor: { user: '\n::error::', host: 'h' } })])
    const { stdout } = await project.run('audit', 'log')
    expect(stdout).toContain('\\x1b[2J')
    expect(stdout).not.toContain('\u001b')
    expect(stdout.split('\n')).toHaveLength(3)
  })
})

describe('an output', () => {
  /** Starts the program with the given standard output. */
  function start(project: Workplace, args: readonly string[], stdout: 'pipe' | number) {
    const [command, ...first] = program
    const child = spawn(command, [...first, ...args], {
      cwd: project.folder,
      env: {
        PATH: process.env['PATH'],
        HOME: project.folder,
        DRAY_AUDIT_FILE: project.auditFile,
        NODE_COMPILE_CACHE: compileCache,
      },
      stdio: ['ignore', stdout, 'pipe'],
    })
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }))
    return { child, ended }
  }

  it.each([
    [['audit', 'log', '--all']],
    [['audit', 'log', '--all', '--jsonl']],
    [['audit', 'export', '--format', 'csv']],
  ])('ends without an error if its reader has gone: %s', async (args) => {
    // This is more than a pipe holds.
    const { project } = await withLog(2_000)
    const { child, ended } = start(project, args, 'pipe')
    await once(child.stdout ?? child, 'data')
    child.stdout?.destroy()
    expect(await ended).toEqual({ code: 0, stderr: '' })
  })

  it.skipIf(!existsSync('/dev/full')).each([[['--all']], [['--jsonl']], [['--json']]])(
    'is one error if the disk is full: %s (needs /dev/full)',
    async (flags) => {
      const { project } = await withLog()
      const { ended } = start(project, ['audit', 'log', ...flags], openSync('/dev/full', 'w'))
      const { code, stderr } = await ended
      expect(code).toBe(1)
      expect(stderr.match(/error: cannot write the output/g)).toHaveLength(1)
      expect(stderr).toContain('ENOSPC')
    },
  )
})
