import { describe, expect, it } from 'vitest'
import {
  type ChangedTarget,
  checkJustification,
  type Justification,
  justificationOf,
} from '../../../src/cli/changes/justification.ts'
import type { Config } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { parseRepository } from '../../../src/oci/reference.ts'
import { readGatedConfig } from '../../support/gates/read-gated-config.ts'

function configOf(more = ''): Config {
  const content = `version: 1
environments:
  staging: { registry: r.example, path: "staging/{image}" }
  prod: { registry: r.example, path: "prod/{image}", require: [reason, ticket] }
${more}`
  return parseConfig({ file: '/p/dray.yaml', content }, 'dray.yaml').config
}

const prod: ChangedTarget = { environment: 'prod', repository: parseRepository('r.example/prod/api') }
const staging: ChangedTarget = {
  environment: 'staging',
  repository: parseRepository('r.example/staging/api'),
}
const elsewhere: ChangedTarget = { repository: parseRepository('other.example/api') }
const all: Justification = { reason: 'release', ticket: 'OPS-7' }

const check =
  (to: ChangedTarget, justification: Justification, config = configOf()) =>
  async (): Promise<void> =>
    await checkJustification([to], config, justification)

describe('checkJustification', () => {
  it('refuses a change without what its environment requires, and names the flag', async () => {
    await expect(check(prod, all)()).resolves.toBeUndefined()
    await expect(check(prod, { ticket: 'OPS-7' })()).rejects.toThrow(
      expect.objectContaining({
        code: 'refused',
        message: 'the change of prod has no reason',
        hint: expect.stringContaining('--reason'),
      }),
    )
    await expect(check(prod, { reason: 'release' })()).rejects.toThrow(
      expect.objectContaining({ code: 'refused', hint: expect.stringContaining('--ticket') }),
    )
    await expect(check(prod, { actor: 'ada' })()).rejects.toThrow('the change of prod has no reason')
  })

  it('requires nothing in other environments and repositories', async () => {
    await expect(check(staging, {})()).resolves.toBeUndefined()
    await expect(check(elsewhere, {})()).resolves.toBeUndefined()
  })

  it('finds the environment of a repository that is named by its reference', async () => {
    await expect(check({ repository: prod.repository }, {})()).rejects.toThrow(
      'the change of prod has no reason',
    )
    await expect(check({ repository: prod.repository }, all)()).resolves.toBeUndefined()
  })

  it('requires what audit.require lists for every change', async () => {
    const config = configOf('audit: { require: [ticket] }')
    for (const to of [staging, elsewhere]) {
      await expect(check(to, {}, config)()).rejects.toThrow('the change has no ticket')
      await expect(check(to, { ticket: 'OPS-7' }, config)()).resolves.toBeUndefined()
    }
    await expect(check(prod, { ticket: 'OPS-7' }, config)()).rejects.toThrow(
      'the change of prod has no reason',
    )
  })

  it('requires nothing of a plan that changes nothing', async () => {
    const config = configOf('audit: { require: [ticket] }')
    await expect(checkJustification([], config, {})).resolves.toBeUndefined()
  })

  it('rejects text that is too long for the audit log as wrong usage', async () => {
    for (const name of ['reason', 'ticket', 'actor'] as const) {
      await expect(check(staging, { [name]: 'x'.repeat(2000) })()).resolves.toBeUndefined()
      await expect(check(staging, { [name]: 'x'.repeat(2001) })()).rejects.toThrow(
        expect.objectContaining({ code: 'usage', message: expect.stringContaining(`--${name}`) }),
      )
    }
  })
})

describe('a pattern of `require`', async () => {
  const config = (
    await readGatedConfig(String.raw`version: 1
environments:
  prod: { registry: r.example, path: "prod/{image}", require: [reason, { ticket: 'OPS-\d+' }] }
audit: { require: [{ reason: '[^\n]{5,}' }] }
`)
  ).config

  it('matches the whole text', async () => {
    await expect(check(prod, all, config)()).resolves.toBeUndefined()
    for (const ticket of ['OPS', 'OPS-7 ', 'xOPS-7', 'OPS-7\n', 'ops-7']) {
      await expect(check(prod, { ...all, ticket }, config)(), ticket).rejects.toThrow(
        expect.objectContaining({
          code: 'refused',
          message: String.raw`the ticket ${ticket} does not match OPS-\d+`,
          why: 'environments.prod.require in dray.yaml requires a ticket that matches as a whole',
          hint: 'Pass a matching --ticket.',
        }),
      )
    }
  })

  it('requires the text too', async () => {
    await expect(check(prod, { reason: 'release' }, config)()).rejects.toThrow(
      'the change of prod has no ticket',
    )
    await expect(check(elsewhere, {}, config)()).rejects.toThrow('the change has no reason')
  })

  it('of audit.require holds for every change', async () => {
    await expect(check(elsewhere, { reason: 'release' }, config)()).resolves.toBeUndefined()
    await expect(check(elsewhere, { reason: 'fix' }, config)()).rejects.toThrow(
      String.raw`the reason fix does not match [^\n]{5,}`,
    )
  })

  it('is in an error with the beginning of a long text', async () => {
    const ticket = 'x'.repeat(1000)
    await expect(check(prod, { ...all, ticket }, config)()).rejects.toThrow(
      String.raw`the ticket ${'x'.repeat(100)}… does not match OPS-\d+`,
    )
  })
})

describe('justificationOf', () => {
  it('omits flags that are missing or empty', () => {
    expect(justificationOf({ reason: ' ', ticket: 'OPS-7', actor: undefined })).toEqual({ ticket: 'OPS-7' })
  })
})
