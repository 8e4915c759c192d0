import { describe, expect, it } from 'vitest'
import {
  type ChangedTarget,
  checkJustification,
  type Justification,
  justificationOf,
} from '../../../src/cli/changes/justification.ts'
import type { Config } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { parseRepository } from '../../../src/oci/reference.ts'

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
  (): void =>
    checkJustification([to], config, justification)

describe('checkJustification', () => {
  it('refuses a change without what its environment requires, and names the flag', () => {
    expect(check(prod, all)).not.toThrow()
    expect(check(prod, { ticket: 'OPS-7' })).toThrow(
      expect.objectContaining({
        code: 'refused',
        message: 'the change of prod has no reason',
        hint: expect.stringContaining('--reason'),
      }),
    )
    expect(check(prod, { reason: 'release' })).toThrow(
      expect.objectContaining({ code: 'refused', hint: expect.stringContaining('--ticket') }),
    )
    expect(check(prod, { actor: 'ada' })).toThrow('the change of prod has no reason')
  })

  it('requires nothing in other environments and repositories', () => {
    expect(check(staging, {})).not.toThrow()
    expect(check(elsewhere, {})).not.toThrow()
  })

  it('finds the environment of a repository that is named by its reference', () => {
    expect(check({ repository: prod.repository }, {})).toThrow('the change of prod has no reason')
    expect(check({ repository: prod.repository }, all)).not.toThrow()
  })

  it('requires what audit.require lists for every change', () => {
    const config = configOf('audit: { require: [ticket] }')
    for (const to of [staging, elsewhere]) {
      expect(check(to, {}, config)).toThrow('the change has no ticket')
      expect(check(to, { ticket: 'OPS-7' }, config)).not.toThrow()
    }
    expect(check(prod, { ticket: 'OPS-7' }, config)).toThrow('the change of prod has no reason')
  })

  it('requires nothing of a plan that changes nothing', () => {
    const config = configOf('audit: { require: [ticket] }')
    expect(() => checkJustification([], config, {})).not.toThrow()
  })

  it('rejects text that is too long for the audit log as wrong usage', () => {
    for (const name of ['reason', 'ticket', 'actor'] as const) {
      expect(check(staging, { [name]: 'x'.repeat(2000) })).not.toThrow()
      expect(check(staging, { [name]: 'x'.repeat(2001) })).toThrow(
        expect.objectContaining({ code: 'usage', message: expect.stringContaining(`--${name}`) }),
      )
    }
  })
})

describe('justificationOf', () => {
  it('omits flags that are missing or empty', () => {
    expect(justificationOf({ reason: ' ', ticket: 'OPS-7', actor: undefined })).toEqual({ ticket: 'OPS-7' })
  })
})
