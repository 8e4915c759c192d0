import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hashOfConfig } from '../../../src/config/hash.ts'
import { readGatedConfig } from '../../support/gates/read-gated-config.ts'

const example = readFileSync(join(import.meta.dirname, 'example.yaml'), 'utf8')
const hashOf = async (content: string, file?: string): Promise<string> =>
  hashOfConfig((await readGatedConfig(content, undefined, file)).config)

const sbom = '      - { name: sbom, sbom: { signedBy: [build], formats: [spdx, cyclonedx] } }\n'
const soak = '      - { name: soak, soak: { environment: staging, minSoak: 24h, signedBy: [promotions] } }\n'

describe('the hash of a configuration', () => {
  it.each([
    ['a signer of a gate', 'signature: { signedBy: [build]', 'signature: { signedBy: [scanner]'],
    ['an annotation', 'channel: release', 'channel: beta'],
    ['a severity', 'failOn: high', 'failOn: critical'],
    ['an age', 'maxAge: 24h', 'maxAge: 25h'],
    ['an exception', 'expires: 2027-01-31', 'expires: 2027-02-01'],
    ['the reason of an exception', 'not reachable', 'not used'],
    ['a time', 'minSoak: 24h', 'minSoak: 1h'],
    ['a count', 'count: 2', 'count: 1'],
    ['an expression', 'runDetails.builder.id', 'runDetails.builder.ID'],
    ['the mode', 'mode: enforce', 'mode: warn'],
    ['an override', 'override: allowed', 'override: never'],
    ['operations', '[promote, copy, tag, sync]', '[promote]'],
    ['images', "images: ['*']", 'images: [api]'],
    ['a missing gate', '      - { name: complete, completeness: { signedBy: [promotions] } }\n', ''],
    ['an issuer', 'issuer: https://token', 'issuer: https://tokens'],
    ['a subject', 'refs/tags/v*', 'refs/tags/*'],
    ['a claim', 'github-hosted', 'self-hosted'],
    ['the transparency log', 'trustedRoot: ', 'transparencyLog: none\n      trustedRoot: '],
    ['the expiry of a key', '2026-06-30', '2026-07-30'],
    ['the account of an approver', 'github:ada', 'github:eve'],
    ['a rule of the residency', "allow: ['eu.", "allow: ['us."],
    ['the default of the residency', 'default: allow', 'default: deny'],
    ['a pattern', String.raw`OPS-\d+`, 'OPS-.+'],
  ])('differs if %s differs', async (_, before, after) => {
    expect(example).toContain(before)
    expect(await hashOf(example.replace(before, after))).not.toBe(await hashOf(example))
  })

  it.each([
    ['the order of gates', `${sbom}${soak}`, `${soak}${sbom}`],
    ['the order of keys', 'failOn: high\n          maxAge: 24h', 'maxAge: 24h\n          failOn: high'],
    ['the spelling of an age', 'maxAge: 7d', 'maxAge: 1w'],
    ['a default in the file', 'appliesTo: image\n        ', ''],
  ])('does not depend on %s', async (_, before, after) => {
    const other = example.replace(before, after)
    expect(other).not.toBe(example)
    expect(await hashOf(other)).toBe(await hashOf(example))
  })

  it('does not depend on the folder of the file', async () => {
    expect(await hashOf(example, '/elsewhere/dray.yaml')).toBe(await hashOf(example, '/x/dray.yaml'))
  })

  it('is the hash of earlier versions for a file without gates', async () => {
    const content = `version: 1
environments:
  dev: { registry: r.example.com, path: "dev/{image}" }
  prod: { registry: r.example.com, path: "prod/{image}", promoteFrom: [dev], require: [ticket, reason] }
images: { api: {} }
`
    expect(await hashOf(content)).toBe(
      'sha256:826ba718d23e5136814ebc4ceec9160dbdecb9492c2c57b09de3790c4b471602',
    )
    expect(await hashOf(content.replace('promoteFrom', 'gates: [], promoteFrom'))).toBe(await hashOf(content))
  })
})
