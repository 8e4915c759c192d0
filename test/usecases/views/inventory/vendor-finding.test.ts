import { describe, expect, it } from 'vitest'
import { type VendorFacts, vendorFinding } from '../../../../src/usecases/views/inventory/vendor-finding.ts'

const ghcr = { kind: 'ghcr', name: 'GitHub Container Registry' }
const harbor = { kind: 'harbor', name: 'Harbor' }
const needs = { permissions: 'the scope read:packages', create: 'https://github.com/settings/tokens' }
const facts: VendorFacts = { registry: 'r.example.com', isOff: false, token: 'absent', needs }

describe("the finding about a vendor's API", () => {
  it('does not exist without a sign of a vendor', () => {
    expect(vendorFinding(facts)).toBeUndefined()
  })

  it('suggests the kind that the challenge shows', () => {
    expect(vendorFinding({ ...facts, suggested: harbor })).toMatchObject({
      state: 'note',
      saw: 'the challenge is that of Harbor',
      hint: expect.stringContaining('registries: { "r.example.com": { kind: harbor } }') as string,
    })
  })

  it('suggests nothing if dray.yaml names a vendor or switches it off', () => {
    const known = vendorFinding({ ...facts, vendor: ghcr, suggested: harbor, token: 'present' })
    expect(known).toMatchObject({ state: 'ok', saw: expect.stringContaining('kind ghcr') as string })
    const off = vendorFinding({ ...facts, isOff: true, suggested: harbor })
    expect(off).toMatchObject({ state: 'note', saw: expect.stringContaining('kind: none') as string })
  })

  it('names what a missing token needs, where to create it, and its key in dray.yaml', () => {
    const hint = vendorFinding({ ...facts, vendor: ghcr })?.hint
    expect(hint).toContain(needs.permissions)
    expect(hint).toContain(needs.create)
    expect(hint).toContain('registries.r.example.com.tokenEnv')
  })

  it('needs no token for signed requests', () => {
    const ecr = { kind: 'ecr', name: 'Amazon ECR' }
    expect(vendorFinding({ ...facts, vendor: ecr, token: 'signed' })).toMatchObject({ state: 'ok' })
  })

  it('is a problem if the settings are wrong', () => {
    const error = {
      code: 'config',
      message: 'registries.r.example.com.api needs the vendor',
      hint: 'Name it.',
    } as const
    expect(vendorFinding({ ...facts, vendor: { error } })).toEqual({
      check: 'vendor',
      state: 'problem',
      saw: error.message,
      hint: error.hint,
    })
  })
})
