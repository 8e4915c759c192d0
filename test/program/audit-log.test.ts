import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { outcome, refusal } from '../support/audit-log.ts'
import { putLog, story } from '../support/log-files.ts'
import { program } from '../support/program.ts'
import { world } from '../support/world.ts'
import { toProd, type Workplace, workplace } from '../support/workplace.ts'

async function withLog(changes = 3): Promise<{ at: Workplace; lines: readonly string[] }> {
  const at = await workplace('version: 1\n')
  return { at, lines: putLog(at.auditFile, story(changes)) }
}

const rows = (stdout: string): readonly string[] => stdout.trimEnd().split('\n').slice(1)

describe('dray audit log', () => {
  it('shows what a promotion and a refusal left', async () => {
    const from = await world().image('api:1.4.2').start()
    const at = await workplace(from.config)
    expect((await at.run(...toProd('api:1.4.2'))).code).toBe(0)
    expect((await at.run(...toProd('api:9.9.9'))).code).not.toBe(0)
    const { code, stderr, stdout } = await at.run('audit', 'log')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /^TIME \(UTC\) .*\n(?:.*\n)*.* promote .*tag 1\.4\.2 on sha256:.* staging -> prod .*done\n/,
    )
    expect(rows(stdout).at(-1)).toMatch(/api:9\.9\.9 .*refused$/)
  })

  it('shows the last 50 and says that there are more', async () => {
    const { at } = await withLog(60)
    const { stderr, stdout } = await at.run('audit', 'log')
    expect(rows(stdout)).toHaveLength(50)
    expect(rows(stdout).at(-1)).toMatch(/refused$/)
    expect(stderr).toBe('The last 50: --all shows all.\n')
    expect(rows((await at.run('audit', 'log', '--all')).stdout)).toHaveLength(61)
    expect(rows((await at.run('audit', 'log', '-n', '7')).stdout)).toHaveLength(7)
  })

  it.each([
    [['--result', 'refused'], 1],
    [['--result', 'refused', '--result', 'done'], 4],
    [['--image', '1.4.1'], 0],
    [['--image', 'prod.example/api:1.4.1'], 1],
    [['--env', 'prod'], 4],
    [['--env', 'dev'], 0],
    [['--actor', 'tester', '--since', '2026-11-23T00:00:02Z'], 2],
    [['--until', '2026-11-22'], 0],
    [['--operation', 'copy'], 0],
  ])('finds by %s: %d', async (filter, count) => {
    const { at } = await withLog()
    const { code, stderr, stdout } = await at.run('audit', 'log', ...filter)
    expect(code).toBe(0)
    expect(count === 0 ? stdout : rows(stdout)).toHaveLength(count)
    expect(stderr).toBe(count === 0 ? `Nothing in ${at.auditFile} fits.\n` : '')
  })

  it.each([['--jsonl'], ['--output=jsonl']])('gives the lines byte for byte with %s', async (flag) => {
    const { at, lines } = await withLog(200)
    const all = await at.run('audit', 'log', '--all', flag)
    expect(all.stdout).toBe(lines.map((line) => `${line}\n`).join(''))
    const some = await at.run('audit', 'log', '--result', 'done', '-n', '2', flag)
    const done = lines.filter((line) => line.includes('"result":"done"'))
    expect(some).toMatchObject({ stdout: `${done.slice(-2).join('\n')}\n`, stderr: '' })
  })

  it('gives one document with --json, and refuses one of absurd size', async () => {
    const { at, lines } = await withLog()
    const { document } = await at.json('audit', 'log')
    expect(document).toMatchObject({ ok: true, result: { log: at.auditFile } })
    expect(document.result).toHaveProperty(
      'records',
      lines.map((line) => JSON.parse(line) as unknown),
    )
    putLog(
      at.auditFile,
      Array.from({ length: 40 }, () => refusal({ reason: 'x'.repeat(500_000) })),
    )
    const large = await at.json('audit', 'log')
    expect(large).toMatchObject({ code: 64, document: { ok: false, error: { code: 'usage' } } })
    expect(large.document.error?.hint).toContain('--jsonl')
  })

  it('says of a log that is not there what to do', async () => {
    const at = await workplace('version: 1\n')
    const ended = await at.run('audit', 'log')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain(`there is no audit log at ${at.auditFile}`)
    expect(ended.stderr).toContain('--audit-file')
    expect(existsSync(at.auditFile)).toBe(false)
  })

  it('takes the log of dray.yaml, and before it the one that a flag names', async () => {
    const at = await workplace('version: 1\naudit:\n  file: here.jsonl\n', { DRAY_AUDIT_FILE: '' })
    putLog(join(at.folder, 'here.jsonl'), story(1))
    putLog(join(at.folder, 'there.jsonl'), story(4))
    expect(rows((await at.run('audit', 'log')).stdout)).toHaveLength(2)
    expect(rows((await at.run('audit', 'log', '--audit-file', 'there.jsonl')).stdout)).toHaveLength(5)
  })

  it('is an error where a line is no record, and names where', async () => {
    const { at, lines } = await withLog()
    writeFileSync(at.auditFile, [lines[0], 'nonsense', ...lines.slice(1), ''].join('\n'))
    const ended = await at.run('audit', 'log')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain(`the line at byte ${(lines[0] ?? '').length + 1} cannot be shown`)
  })

  it('shows no control of a record on the terminal', async () => {
    const at = await workplace('version: 1\n')
    putLog(at.auditFile, [outcome({ image: '\u001b[2J', actor: { user: '\n::error::', host: 'h' } })])
    const { stdout } = await at.run('audit', 'log')
    expect(stdout).toContain('\\x1b[2J')
    expect(stdout).not.toContain('\u001b')
    expect(stdout.split('\n')).toHaveLength(3)
  })
})

describe('an output', () => {
  /** Starts the program with its stdout where `stdout` says. */
  function start(at: Workplace, words: readonly string[], stdout: 'pipe' | number) {
    const child = spawn(process.execPath, [program, ...words], {
      cwd: at.folder,
      env: { PATH: process.env['PATH'], HOME: at.folder, DRAY_AUDIT_FILE: at.auditFile },
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
  ])('that nobody reads any more ends %s well', async (words) => {
    // more than any pipe holds
    const { at } = await withLog(2_000)
    const { child, ended } = start(at, words, 'pipe')
    await once(child.stdout ?? child, 'data')
    child.stdout?.destroy()
    expect(await ended).toEqual({ code: 0, stderr: '' })
  })

  it.skipIf(!existsSync('/dev/full')).each([[['--all']], [['--jsonl']], [['--json']]])(
    'on a full disk is an error once, with %s (needs /dev/full)',
    async (words) => {
      const { at } = await withLog()
      const { ended } = start(at, ['audit', 'log', ...words], openSync('/dev/full', 'w'))
      const { code, stderr } = await ended
      expect(code).toBe(1)
      expect(stderr.match(/error: the output cannot be written/g)).toHaveLength(1)
      expect(stderr).toContain('ENOSPC')
    },
  )
})
