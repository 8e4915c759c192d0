import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { record, tagStep } from '../support/audit-log.ts'
import { putKeys, putLog, story } from '../support/log-files.ts'
import { world } from '../support/world.ts'
import { toProd, type Workplace, workplace } from '../support/workplace.ts'

async function withLog(
  config = 'version: 1\n',
  env = {},
): Promise<{ at: Workplace; lines: readonly string[] }> {
  const at = await workplace(config, env)
  putKeys(at.folder)
  return { at, lines: putLog(at.auditFile, story()) }
}

const signed = ['--sign-key', 'audit.pem', '--name', 'ci/audit'] as const
const known = ['--key', 'audit.pub.pem'] as const

describe('dray audit verify', () => {
  it('proves what a promotion left to be whole', async () => {
    const from = await world().image('api:1.4.2').start()
    const at = await workplace(from.config)
    await at.run(...toProd('api:1.4.2'))
    const ended = await at.run('audit', 'verify')
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(
      /audit\.jsonl is whole: \d+ records, from [-:\d ]+ to [-:\d ]+ UTC; each follows the one before, and the head agrees\.\n$/,
    )
  })

  it('names the first bad line, with exit code 1', async () => {
    const { at, lines } = await withLog()
    writeFileSync(
      at.auditFile,
      lines.map((line, i) => `${i === 3 ? line.replace('tester', 'nobody') : line}\n`).join(''),
    )
    const ended = await at.run('audit', 'verify')
    expect(ended.code).toBe(1)
    expect(ended.stdout).toMatch(/^Line 4 of .* is bad: it was changed/)
    expect((await at.json('audit', 'verify')).document).toMatchObject({
      ok: false,
      result: { records: 3, problem: { line: 4 } },
    })
  })

  it('tells of a cut end, of intents that died, and of a head that is gone', async () => {
    const { at, lines } = await withLog()
    writeFileSync(at.auditFile, lines.slice(0, 5).join('\n') + '\n')
    expect((await at.run('audit', 'verify')).stdout).toMatch(/^Line 6 of .* is bad: it is not there/)
    rmSync(`${at.auditFile}.head`)
    const ended = await at.run('audit', 'verify')
    expect(ended.code).toBe(0)
    expect(ended.stdout).toContain('The head is missing: if the end was cut off, it does not show.')
    expect(ended.stdout).toContain('1 intent of runs that died is open')
    expect((await at.json('audit', 'verify')).document.result).toMatchObject({
      head: 'missing',
      open: { alive: [], lost: [{ phase: 'intent', run: 'run1' }] },
    })
  })
})

describe('a checkpoint', () => {
  it('is written to stdout, or to a file: the same note', async () => {
    const { at } = await withLog()
    const printed = await at.run('audit', 'checkpoint', ...signed)
    expect(printed.stdout).toMatch(/^ci\/audit\n7\n[\w+/=]{44}\n\n— ci\/audit [\w+/=]+\n$/)
    const filed = await at.run('audit', 'checkpoint', ...signed, '--out', 'c.txt')
    expect(filed).toMatchObject({ code: 0, stdout: '' })
    expect(readFileSync(join(at.folder, 'c.txt'), 'utf8')).toBe(printed.stdout)
  })

  it('holds while the log grows, and says how much came since', async () => {
    const at = await workplace('version: 1\n')
    putKeys(at.folder)
    const all = [...story(), record({ step: tagStep('later') })]
    putLog(at.auditFile, all.slice(0, -1))
    await at.run('audit', 'checkpoint', ...signed, '--out', 'c.txt')
    putLog(at.auditFile, all)
    const ended = await at.run('audit', 'verify', '--checkpoint', 'c.txt', ...known)
    expect(ended.code).toBe(0)
    expect(ended.stdout).toContain(
      'The checkpoint of 7 records of ci/audit (c.txt) holds; 1 record came since.',
    )
  })

  it.each([
    [
      'made anew with another record in it',
      (all: ReturnType<typeof story>) => all.with(2, record({ id: 'other' })),
      'changed',
    ],
    ['cut together with its head', (all: ReturnType<typeof story>) => all.slice(0, 4), 'cut'],
  ])('shows a log that was %s', async (_, spoil, state) => {
    const at = await workplace('version: 1\n')
    putKeys(at.folder)
    const all = story()
    putLog(at.auditFile, all)
    await at.run('audit', 'checkpoint', ...signed, '--out', 'c.txt')
    putLog(at.auditFile, spoil(all))
    // by itself nothing shows
    expect((await at.run('audit', 'verify')).code).toBe(0)
    const { code, document } = await at.json('audit', 'verify', '--checkpoint', 'c.txt', ...known)
    expect(code).toBe(1)
    expect(document).toMatchObject({
      ok: false,
      result: { problem: null, checkpoints: [{ state, place: 'c.txt' }] },
    })
  })

  it('counts only where one of the keys has signed it, which a verifier key says as well', async () => {
    const { at } = await withLog()
    const made = await at.json('audit', 'checkpoint', ...signed, '--out', 'c.txt')
    const { verifierKey } = made.document.result as unknown as { verifierKey: string }
    const verify = ['audit', 'verify', '--checkpoint', 'c.txt', '--key'] as const
    expect((await at.run(...verify, verifierKey)).code).toBe(0)
    putKeys(at.folder)
    const other = await at.run(...verify, 'audit.pub.pem')
    expect(other.code).toBe(3)
    expect(other.stderr).toContain('none of the given keys has signed c.txt')
    const none = await at.run('audit', 'verify', '--checkpoint', 'c.txt')
    expect(none).toMatchObject({ code: 64, stdout: '' })
    const text = readFileSync(join(at.folder, 'c.txt'), 'utf8')
    writeFileSync(join(at.folder, 'c.txt'), text.replace('\n7\n', '\n6\n'))
    expect((await at.run(...verify, verifierKey)).stderr).toContain('c.txt is not what ci/audit signed')
  })

  it('of another log is refused where the log has a name', async () => {
    const { at } = await withLog()
    await at.run('audit', 'checkpoint', ...signed, '--out', 'c.txt')
    const ended = await at.run('audit', 'verify', '--checkpoint', 'c.txt', ...known, '--name', 'other/audit')
    expect(ended.code).toBe(3)
    expect(ended.stderr).toContain('it is of ci/audit')
  })

  it('is made with the key, password and name of dray.yaml, and none of them is printed', async () => {
    const sign =
      'version: 1\naudit:\n  sign: { key: audit.pem, passwordEnv: KEY_PASSWORD, name: yaml/audit }\n'
    const at = await workplace(sign, { KEY_PASSWORD: 'canary-of-a-password' })
    putKeys(at.folder, 'canary-of-a-password')
    putLog(at.auditFile, story())
    const made = await at.run('audit', 'checkpoint', '--out', 'c.txt')
    expect(made).toMatchObject({ code: 0 })
    expect(made.stdout + made.stderr).not.toContain('canary')
    const ended = await at.run('audit', 'verify', '--checkpoint', 'c.txt')
    expect(ended.stdout).toContain('of yaml/audit (c.txt) holds.')
    const without = await workplace(sign)
    putKeys(without.folder, 'canary-of-a-password')
    putLog(without.auditFile, story())
    const failed = await without.run('audit', 'checkpoint')
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('encrypted and no password')
  })

  it('is not made of a log that is not whole, nor without a key', async () => {
    const { at, lines } = await withLog()
    const without = await at.run('audit', 'checkpoint')
    expect(without).toMatchObject({ code: 64, stdout: '' })
    expect(without.stderr).toContain('openssl genpkey')
    appendFileSync(at.auditFile, `${lines[0]}\n`)
    const ended = await at.run('audit', 'checkpoint', ...signed)
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('line 8 of')
  })
})

describe('a repository of checkpoints', () => {
  async function withRepository(): Promise<{ at: Workplace; all: ReturnType<typeof story> }> {
    const { staging } = await world().image('api:1.0.0').start()
    const at = await workplace(
      `version: 1\naudit:\n  sign: { key: audit.pem, name: ci/audit }\n  repository: ${staging.host}/audit/checkpoints\n`,
    )
    putKeys(at.folder)
    const all = story(6)
    putLog(at.auditFile, all.slice(0, 6))
    return { at, all }
  }

  it('keeps what is pushed, and the newest is what a log is held against', async () => {
    const { at, all } = await withRepository()
    const nothing = await at.run('audit', 'verify', '--checkpoint', 'oci')
    expect(nothing.stderr).toContain('there is no checkpoint of ci/audit')
    expect((await at.run('audit', 'checkpoint', '--push')).code).toBe(0)
    putLog(at.auditFile, all)
    const pushed = await at.json('audit', 'checkpoint', '--push')
    expect(pushed.document.result).toMatchObject({ size: 13, pushed: { result: 'pushed' } })
    const again = await at.json('audit', 'checkpoint', '--push')
    expect(again.document.result).toMatchObject({ pushed: { result: 'unchanged' } })
    const ended = await at.run('audit', 'verify', '--checkpoint', 'oci', ...known)
    expect(ended.code).toBe(0)
    expect(ended.stdout).toMatch(
      /The checkpoint of 13 records of ci\/audit \(.*\/audit\/checkpoints:checkpoint-.*\) holds\./,
    )
  })

  it('lets nobody sign for a log that is no longer what was signed', async () => {
    const { at, all } = await withRepository()
    await at.run('audit', 'checkpoint', '--push')
    putLog(at.auditFile, all.with(1, record({ id: 'other' })))
    const ended = await at.run('audit', 'checkpoint', '--push')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('does not begin with the 6 records that were signed before')
    expect((await at.run('audit', 'verify', '--checkpoint', 'oci')).code).toBe(1)
  })

  it('must be named', async () => {
    const { at } = await withLog()
    const ended = await at.run('audit', 'checkpoint', ...signed, '--push')
    expect(ended.code).toBe(64)
    expect(ended.stderr).toContain('audit.repository')
  })
})
