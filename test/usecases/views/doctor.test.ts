import { describe, expect, it } from 'vitest'
import {
  type DoctorConnection,
  diagnose,
  type DoctorFacts,
  hasProblem,
} from '../../../src/usecases/views/doctor.ts'
import type { RegistryFacts } from '../../../src/images/registry-facts.ts'

const now = Date.UTC(2026, 10, 25)
const day = 86_400_000
const tls = (more: Partial<NonNullable<DoctorConnection['tls']>> = {}): DoctorConnection => ({
  addresses: ['192.0.2.1'],
  connectMs: 20,
  tls: { protocol: 'TLSv1.3', subject: 'r.test', issuer: 'an authority', validTo: now + 90 * day, ...more },
})
const facts = (more: Partial<RegistryFacts> = {}): RegistryFacts => ({
  api: { value: { roundTripMs: 5, version: 'registry/2.0' } },
  clockDifferenceMs: 400,
  abilities: {},
  ...more,
})
const all = (more: Partial<DoctorFacts> = {}): DoctorFacts => ({
  registry: 'r.test',
  origin: 'https://r.test',
  connection: { value: tls() },
  credentials: { value: { where: '/home/me/.docker/config.json', username: 'ada' } },
  facts: facts(),
  ...more,
})
const finding = (given: DoctorFacts, check: string) =>
  diagnose(given, now).findings.find((one) => one.check === check)

describe('a diagnosis', () => {
  it('of a registry without problems has no problem, and lists what is unknown', () => {
    const diagnosis = diagnose(all(), now)
    expect(hasProblem(diagnosis)).toBe(false)
    expect(diagnosis.findings.filter(({ state }) => state === 'unknown')).toHaveLength(9)
    expect(finding(all(), 'credentials')).toMatchObject({
      state: 'ok',
      saw: 'user ada, from /home/me/.docker/config.json',
    })
  })

  it.each([
    ['in 12 hours', 720, 'ok', 'expires at 2026-11-25T12:00:00Z'],
    ['in an hour', 60, 'ok', 'expires at 2026-11-25T01:00:00Z'],
    ['in 12 minutes', 11.5, 'note', 'expires in 12 min'],
    ['now', 0, 'problem', 'expired at 2026-11-25T00:00:00Z'],
  ])('of a token that expires %s has the right state', (_, minutes, state, saw) => {
    const value = { where: 'DOCKER_AUTH_CONFIG', username: 'ci', expiresAt: now + minutes * 60_000 }
    expect(finding(all({ credentials: { value } }), 'credentials')).toMatchObject({
      state,
      saw: `user ci, from DOCKER_AUTH_CONFIG; its token ${saw}`,
    })
    // dray asks the helper for a new token.
    const ofHelper = { credentials: { value: { ...value, helper: 'ecr-login' } } }
    expect(finding(all(ofHelper), 'credentials')?.state).toBe('ok')
  })

  it.each([
    ['ends in a year', now + 365 * day, 'ok'],
    ['ends in two weeks', now + 14 * day, 'note'],
    ['ends in three days', now + 3 * day, 'problem'],
    ['has ended', now - day, 'problem'],
  ])('of a certificate that %s has the right state', (_, validTo, state) => {
    expect(finding(all({ connection: { value: tls({ validTo }) } }), 'tls')?.state).toBe(state)
  })

  it('of an untrusted certificate has the line for dray.yaml', () => {
    const untrusted = { code: 'SELF_SIGNED_CERT_IN_CHAIN', hint: 'registries: …' }
    expect(finding(all({ connection: { value: tls({ untrusted }) } }), 'tls')).toMatchObject({
      state: 'problem',
      hint: 'registries: …',
    })
  })

  it.each([
    [['192.0.2.1'], 'problem'],
    [['127.0.0.1', '::1'], 'note'],
  ])('of plain http at %j has the right state', (addresses, state) => {
    const connection = { value: { addresses, connectMs: 1 } }
    expect(finding(all({ connection }), 'tls')?.state).toBe(state)
  })

  it.each([
    [90_000, 'problem', 'ahead'],
    [-90_000, 'problem', 'behind'],
    [2000, 'ok', 'differs by 2 s'],
  ])('of a clock that differs by %i ms has the right state', (clockDifferenceMs, state, word) => {
    const one = finding(all({ facts: facts({ clockDifferenceMs }) }), 'clock')
    expect(one).toMatchObject({ state, saw: expect.stringContaining(word) })
  })

  it.each([
    [80, 'note'],
    [4, 'problem'],
  ])('of a limit with %i of 100 requests left has the right state', (remaining, state) => {
    const repository = {
      path: 'a',
      tags: { value: 1 },
      rateLimit: { limit: 100, remaining, windowS: 21_600 },
    }
    expect(finding(all({ facts: facts({ repository }) }), 'rateLimit')?.state).toBe(state)
  })

  it('prefers an ability that was tested by writing to one that was read, and that to the table of registries', () => {
    const abilities = {
      mount: { known: 'no', by: 'table' },
      referrers: { known: 'no', by: 'asking' },
    } as const
    const read = all({ facts: facts({ abilities }) })
    expect(finding(read, 'mount')).toMatchObject({ state: 'note', saw: 'no, documented' })
    const writing = { abilities: { referrers: { known: 'yes', by: 'writing' } }, left: [] } as const
    expect(finding({ ...read, writing }, 'referrers')).toMatchObject({ state: 'ok', saw: 'yes, tested' })
  })

  it('has the fix that the registry documents for a missing ability', () => {
    const abilities = {
      deleteTag: { known: 'no', by: 'table', hint: 'Use the API of the vendor.' },
      deleteManifest: { known: 'no', by: 'asking' },
    } as const
    const read = all({ facts: facts({ abilities }) })
    expect(finding(read, 'deleteTag')?.hint).toBe('Use the API of the vendor.')
    expect(finding(read, 'deleteManifest')?.hint).toContain('prune cannot delete here')
  })

  it('of an unreachable registry has no findings about its abilities', () => {
    const error = { code: 'network', message: 'cannot connect to r.test', hint: 'Check the name.' } as const
    const { facts: _, ...rest } = all({ connection: { error } })
    const diagnosis = diagnose(rest, now)
    expect(hasProblem(diagnosis)).toBe(true)
    expect(diagnosis.findings.map(({ check }) => check)).toEqual(['connection', 'credentials'])
  })

  it('names content that a test by writing left', () => {
    const writing = { abilities: {}, left: ['dray-doctor-1-a'] }
    expect(finding(all({ writing }), 'writing')).toMatchObject({
      state: 'note',
      saw: expect.stringContaining('dray-doctor-1-a'),
    })
  })
})
