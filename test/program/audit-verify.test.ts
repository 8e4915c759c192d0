import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { advance, formatLine, startOfChain } from '../../src/audit/log/chain.ts'
import { openLog, record, tagStep } from '../support/audit-log.ts'
import { writeKeys, writeLog, exampleRecords } from '../support/log-files.ts'
import { world } from '../support/world.ts'
import { toProd, type Workplace, warmWorkplace } from '../support/workplace.ts'

async function withLog(
  config = 'version: 1\n',
  env = {},
): Promise<{ project: Workplace; lines: readonly string[] }> {
  const project = await warmWorkplace(config, env)
  writeKeys(project.folder)
  return { project, lines: writeLog(project.auditFile, exampleRecords()) }
}

const signed = ['--sign-key', 'audit.pem', '--name', 'ci/audit'] as const
const known = ['--key', 'audit.pub.pem'] as const

describe('dray audit verify', () => {
  it('verifies the log of a promotion', async () => {
    const from = await world().image('api:1.4.2').start()
    const project = await warmWorkplace(from.config)
    await project.run(...toProd('api:1.4.2'))
    const ended = await project.run('audit', 'verify')
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(
      /audit\.jsonl is intact: \d+ records, from [-:\d ]+ to [-:\d ]+ UTC\. The chain is unbroken, and the head matches\.\n$/,
    )
  })

  it('exits with 1 and names the first bad line', async () => {
    const { project, lines } = await withLog()
    writeFileSync(
      project.auditFile,
      lines.map((line, i) => `${i === 3 ? line.replace('tester', 'nobody') : line}\n`).join(''),
    )
    const ended = await project.run('audit', 'verify')
    expect(ended.code).toBe(1)
    expect(ended.stdout).toMatch(/^Line 4 of .* is invalid: it was changed/)
    expect((await project.json('audit', 'verify')).document).toMatchObject({
      ok: false,
      result: { records: 3, problem: { line: 4 } },
    })
  })

  it('reports a cut end, open intents of dead runs and a missing head', async () => {
    const { project, lines } = await withLog()
    writeFileSync(project.auditFile, lines.slice(0, 5).join('\n') + '\n')
    expect((await project.run('audit', 'verify')).stdout).toMatch(
      /^Line 6 of .* is missing: the log was cut: the head counts 7 records/,
    )
    rmSync(`${project.auditFile}.head`)
    const ended = await project.run('audit', 'verify')
    expect(ended.code).toBe(0)
    expect(ended.stdout).toContain(
      'The head is missing. Without it, a removed end of the log is not detected.',
    )
    expect(ended.stdout).toContain('1 intent of ended runs is open')
    expect((await project.json('audit', 'verify')).document.result).toMatchObject({
      head: 'missing',
      open: { alive: [], lost: [{ phase: 'intent', run: 'run1' }] },
    })
  })
})

describe('a log that only a suspended run or a full disk left as it is', () => {
  it('with a stray line exits with 1 and the kind of the problem, and needs no repair', async () => {
    const { project, lines } = await withLog()
    const start = lines.slice(0, 2).reduce((end, line) => advance(end, Buffer.from(line)), startOfChain)
    appendFileSync(project.auditFile, `${formatLine(record({ run: 'late' }), start)}\n`)
    const { code, document } = await project.json('audit', 'verify')
    expect(code).toBe(1)
    expect(document.result).toMatchObject({
      records: 7,
      head: 'agrees',
      problem: { kind: 'stray', line: 8, why: expect.stringContaining('The run late') as string },
    })
    await using log = openLog(project.auditFile)
    await log.write([record({ run: 'next', id: 'next' })])
    const after = await project.run('audit', 'verify')
    expect(after.code).toBe(0)
    expect(after.stdout).toContain('is intact: 9 records')
    expect(after.stdout).toContain('1 recovered record keeps')
  })

  it('without a record is empty, which is not called intact', async () => {
    const { project } = await withLog()
    for (const end of ['', '.head']) rmSync(`${project.auditFile}${end}`)
    writeFileSync(project.auditFile, '')
    const ended = await project.run('audit', 'verify')
    expect(ended.code).toBe(0)
    expect(ended.stdout).toMatch(/ is empty: it has no records\./)
    expect(ended.stdout).not.toContain('whole')
  })
})

describe('a checkpoint', () => {
  it('is the same note on stdout and in a file', async () => {
    const { project } = await withLog()
    const printed = await project.run('audit', 'checkpoint', ...signed)
    expect(printed.stdout).toMatch(/^ci\/audit\n7\n[\w+/=]{44}\n\n— ci\/audit [\w+/=]+\n$/)
    const filed = await project.run('audit', 'checkpoint', ...signed, '--out', 'c.txt')
    expect(filed).toMatchObject({ code: 0, stdout: '' })
    expect(readFileSync(join(project.folder, 'c.txt'), 'utf8')).toBe(printed.stdout)
  })

  it('is valid for a log that has grown, with the number of new records', async () => {
    const project = await warmWorkplace('version: 1\n')
    writeKeys(project.folder)
    const all = [...exampleRecords(), record({ step: tagStep('later') })]
    writeLog(project.auditFile, all.slice(0, -1))
    await project.run('audit', 'checkpoint', ...signed, '--out', 'c.txt')
    writeLog(project.auditFile, all)
    const ended = await project.run('audit', 'verify', '--checkpoint', 'c.txt', ...known)
    expect(ended.code).toBe(0)
    expect(ended.stdout).toContain(
      'The checkpoint of 7 records of ci/audit (c.txt) is valid; 1 record was added since.',
    )
  })

  it.each([
    [
      'rewritten with another record',
      (all: ReturnType<typeof exampleRecords>) => all.with(2, record({ id: 'other' })),
      'changed',
    ],
    ['cut together with its head', (all: ReturnType<typeof exampleRecords>) => all.slice(0, 4), 'cut'],
  ])('finds a log that was %s', async (_, change, state) => {
    const project = await warmWorkplace('version: 1\n')
    writeKeys(project.folder)
    const all = exampleRecords()
    writeLog(project.auditFile, all)
    await project.run('audit', 'checkpoint', ...signed, '--out', 'c.txt')
    writeLog(project.auditFile, change(all))
    // The chain and the head alone are valid.
    expect((await project.run('audit', 'verify')).code).toBe(0)
    const { code, document } = await project.json('audit', 'verify', '--checkpoint', 'c.txt', ...known)
    expect(code).toBe(1)
    expect(document).toMatchObject({
      ok: false,
      result: { problem: null, checkpoints: [{ state, source: 'c.txt' }] },
    })
  })

  it('is accepted only if one of the given keys or verifier keys has signed it', async () => {
    const { project } = await withLog()
    const made = await project.json('audit', 'checkpoint', ...signed, '--out', 'c.txt')
    const { verifierKey } = made.document.result as unknown as { verifierKey: string }
    const verify = ['audit', 'verify', '--checkpoint', 'c.txt', '--key'] as const
    expect((await project.run(...verify, verifierKey)).code).toBe(0)
    writeKeys(project.folder)
    const other = await project.run(...verify, 'audit.pub.pem')
    expect(other.code).toBe(3)
    expect(other.stderr).toContain('c.txt has no signature of the given keys')
    const none = await project.run('audit', 'verify', '--checkpoint', 'c.txt')
    expect(none).toMatchObject({ code: 64, stdout: '' })
    const text = readFileSync(join(project.folder, 'c.txt'), 'utf8')
    writeFileSync(join(project.folder, 'c.txt'), text.replace('\n7\n', '\n6\n'))
    expect((await project.run(...verify, verifierKey)).stderr).toContain(
      'the signature of ci/audit does not match c.txt',
    )
  })

  it('of another log is refused if --name names the log', async () => {
    const { project } = await withLog()
    await project.run('audit', 'checkpoint', ...signed, '--out', 'c.txt')
    const ended = await project.run(
      'audit',
      'verify',
      '--checkpoint',
      'c.txt',
      ...known,
      '--name',
      'other/audit',
    )
    expect(ended.code).toBe(3)
    expect(ended.stderr).toContain('its log is ci/audit')
  })

  it('uses the key, password and name of dray.yaml, and prints no secret', async () => {
    const sign =
      'version: 1\naudit:\n  sign: { key: audit.pem, passwordEnv: KEY_PASSWORD, name: yaml/audit }\n'
    const project = await warmWorkplace(sign, { KEY_PASSWORD: 'canary-of-a-password' })
    writeKeys(project.folder, 'canary-of-a-password')
    writeLog(project.auditFile, exampleRecords())
    const made = await project.run('audit', 'checkpoint', '--out', 'c.txt')
    expect(made).toMatchObject({ code: 0 })
    expect(made.stdout + made.stderr).not.toContain('canary')
    const ended = await project.run('audit', 'verify', '--checkpoint', 'c.txt')
    expect(ended.stdout).toContain('of yaml/audit (c.txt) is valid.')
    const without = await warmWorkplace(sign)
    writeKeys(without.folder, 'canary-of-a-password')
    writeLog(without.auditFile, exampleRecords())
    const failed = await without.run('audit', 'checkpoint')
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('encrypted, and no password')
  })

  it('is not written for a damaged log or without a key', async () => {
    const { project, lines } = await withLog()
    const without = await project.run('audit', 'checkpoint')
    expect(without).toMatchObject({ code: 64, stdout: '' })
    expect(without.stderr).toContain('openssl genpkey')
    appendFileSync(project.auditFile, `${lines[0]}\n`)
    const ended = await project.run('audit', 'checkpoint', ...signed)
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('line 8 of')
  })
})

describe('a repository of checkpoints', () => {
  async function withRepository(): Promise<{ project: Workplace; all: ReturnType<typeof exampleRecords> }> {
    const { staging } = await world().image('api:1.0.0').start()
    const project = await warmWorkplace(
      `version: 1\naudit:\n  sign: { key: audit.pem, name: ci/audit }\n  repository: ${staging.host}/audit/checkpoints\n`,
    )
    writeKeys(project.folder)
    const all = exampleRecords(6)
    writeLog(project.auditFile, all.slice(0, 6))
    return { project, all }
  }

  it('stores each checkpoint once, and the log is compared with the newest one', async () => {
    const { project, all } = await withRepository()
    const nothing = await project.run('audit', 'verify', '--checkpoint', 'oci')
    expect(nothing.stderr).toContain('the repository has no checkpoint of ci/audit')
    expect((await project.run('audit', 'checkpoint', '--push')).code).toBe(0)
    writeLog(project.auditFile, all)
    const pushed = await project.json('audit', 'checkpoint', '--push')
    expect(pushed.document.result).toMatchObject({ size: 13, pushed: { result: 'pushed' } })
    const again = await project.json('audit', 'checkpoint', '--push')
    expect(again.document.result).toMatchObject({ pushed: { result: 'unchanged' } })
    const ended = await project.run('audit', 'verify', '--checkpoint', 'oci', ...known)
    expect(ended.code).toBe(0)
    expect(ended.stdout).toMatch(
      /The checkpoint of 13 records of ci\/audit \(.*\/audit\/checkpoints:checkpoint-.*\) is valid\./,
    )
  })

  it('refuses a new checkpoint if the log does not begin with the signed records', async () => {
    const { project, all } = await withRepository()
    await project.run('audit', 'checkpoint', '--push')
    writeLog(project.auditFile, all.with(1, record({ id: 'other' })))
    const ended = await project.run('audit', 'checkpoint', '--push')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('does not begin with the 6 records of the last checkpoint')
    expect((await project.run('audit', 'verify', '--checkpoint', 'oci')).code).toBe(1)
  })

  it('must be configured for --push', async () => {
    const { project } = await withLog()
    const ended = await project.run('audit', 'checkpoint', ...signed, '--push')
    expect(ended.code).toBe(64)
    expect(ended.stderr).toContain('audit.repository')
  })
})
