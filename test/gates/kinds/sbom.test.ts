import { describe, expect, it } from 'vitest'
import type { AttachedEvidence } from '../../../src/gates/evidence.ts'
import { evaluateSbom } from '../../../src/gates/kinds/sbom.ts'
import { shortDigest } from '../../../src/gates/evaluation/judge-subjects.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { sbomGate } from '../../support/gates/definitions.ts'
import {
  amd64,
  arm64,
  type Attached,
  attachedDocument,
  day,
  digest,
  elsewhere,
  evaluate,
  evaluationContext,
  gateTrust,
  index,
  judgedImage,
  now,
  platformImage,
  signature,
  singleImage,
  statement,
  unreadable,
} from '../../support/gates/judged-image.ts'

const gate = sbomGate({ signedBy: ['build'] })
const unsigned = sbomGate()

/** A CycloneDX BOM of an image that it names by its digest, or of none. */
function bom(describes: Digest | undefined = amd64, components: readonly string[] = ['openssl']): object {
  const version = describes === undefined ? {} : { purl: `pkg:oci/api@${describes.replace(':', '%3A')}` }
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: { component: { type: 'container', name: 'api', ...version } },
    components: components.map((name) => ({ type: 'library', name, version: '1.0' })),
  }
}

const spdx = {
  spdxVersion: 'SPDX-2.3',
  SPDXID: 'SPDXRef-DOCUMENT',
  packages: [{ SPDXID: 'SPDXRef-openssl', name: 'openssl', versionInfo: '3.0.1' }],
}

function attested(document: object, options: Attached = {}): AttachedEvidence {
  return statement('https://cyclonedx.org/bom', document, { to: amd64, ...options })
}

function plain(document: object | string, options: Attached = {}): AttachedEvidence {
  return attachedDocument('application/vnd.cyclonedx+json', document, { to: amd64, ...options })
}

describe('an SBOM gate passes', () => {
  it('with a signed SBOM of the platform image', () => {
    const made = attested(bom())
    expect(evaluate(gate, singleImage([made]))).toMatchObject({
      result: 'pass',
      reason: `cyclonedx 1.6, 1 component, build (key ${shortDigest(digest('build'))})`,
      evidence: [{ digest: made.artifact, signer: digest('build') }],
    })
  })

  it.each([
    ['in SPDX', statement('https://spdx.dev/Document', spdx, { to: amd64 })],
    ['that names no image, in a statement that does', attested(bom(undefined))],
    ['that names the config', attested({ ...bom(undefined), metadata: configOf('linux/amd64') })],
    ['on the index that names the platform image', attested(bom(), { to: index })],
  ])('with one %s', (_, made) => {
    const image = judgedImage([made], { platforms: [platformImage('linux/amd64')] })
    expect(evaluate(gate, image).result).toBe('pass')
  })

  it('without `signedBy` also for one that is not signed', () => {
    expect(evaluate(unsigned, singleImage([plain(bom())]))).toMatchObject({
      result: 'pass',
      reason: 'cyclonedx 1.6, 1 component, not signed',
      evidence: [{ digest: plain(bom()).artifact }],
    })
    const untyped = attachedDocument('application/json', spdx, { to: amd64 })
    expect(evaluate(unsigned, singleImage([untyped])).result).toBe('pass')
  })

  it('without a warning about an SBOM of another platform that is attached to the index', () => {
    const made = [amd64, arm64].map((one) => attested(bom(one), { to: index }))
    const found = evaluate(gate, judgedImage(made))
    expect(found).toMatchObject({ result: 'pass' })
    expect(found.warnings).toBeUndefined()
  })

  it('with one that passes beside others, which are warnings', () => {
    const empty = attested(bom(amd64, []))
    const found = evaluate(gate, singleImage([empty, attested(bom())]))
    expect(found.result).toBe('pass')
    expect(found.warnings).toEqual([
      `SBOM ${shortDigest(empty.artifact)} does not count: it lists no components`,
    ])
  })

  it('until the key of its signer expires', () => {
    const trust = gateTrust({ build: now + day })
    expect(evaluate(gate, singleImage([attested(bom())]), { trust }).validUntil).toBe(
      new Date(now + day).toISOString(),
    )
  })
})

function configOf(platform: string): object {
  const value = digest(`config of ${platform}`)
  return { component: { name: 'api', properties: [{ name: 'aquasecurity:trivy:ImageID', value }] } }
}

describe('an SBOM gate fails', () => {
  it('without an SBOM, with the commands that make one', () => {
    const found = evaluate(sbomGate({ signedBy: ['keyless'], formats: ['cyclonedx'] }), singleImage())
    const reference = `registry.example.com/staging/api@${amd64}`
    expect(found).toMatchObject({ result: 'fail', reason: 'no cyclonedx SBOM by keyless' })
    expect(found.hint).toBe(
      `Run: trivy image --format cyclonedx --output sbom.cdx.json ${reference} && cosign attest --type cyclonedx --predicate sbom.cdx.json ${reference}`,
    )
  })

  it.each([
    ['`{}`', attested({}), 'neither SPDX nor CycloneDX'],
    ['one without components', attested(bom(amd64, [])), 'it lists no components'],
    ['one of the other platform', attested(bom(arm64)), `it describes ${shortDigest(arm64)}`],
    [
      'one about the other platform',
      attested(bom(), { about: [arm64] }),
      `it is about ${shortDigest(arm64)}`,
    ],
    ['one of another image', attested(bom(elsewhere)), `it describes ${shortDigest(elsewhere)}`],
    [
      'one that cannot be read',
      unreadable('not JSON', { to: amd64, predicateType: 'https://cyclonedx.org/bom' }),
      'not JSON',
    ],
    ['one of a newer version', attested({ ...bom(), specVersion: '9.9' }), '9.9'],
  ])('with %s', (_, one, why) => {
    const found = evaluate(gate, singleImage([one]))
    expect(found.result).toBe('fail')
    expect(found.reason).toContain(why)
    expect(found.warnings).toBeUndefined()
  })

  it.each([
    ['that is not signed', attested(bom(), { by: [] }), 'it is not signed'],
    ['of another signer', attested(bom(), { by: ['stranger'] }), 'it is signed by stranger'],
    ['without a statement', plain(bom()), 'it is not signed'],
  ])('with one %s, and names it in a warning', (_, one, why) => {
    const found = evaluate(gate, singleImage([one]))
    expect(found).toMatchObject({
      result: 'fail',
      reason: 'no spdx or cyclonedx SBOM by build; one that is attached does not count',
    })
    expect(found.warnings).toEqual([
      expect.stringContaining(`SBOM ${shortDigest(one.artifact)} does not count: ${why}`),
    ])
  })

  it('with a format that the gate does not list', () => {
    expect(evaluate({ ...gate, formats: ['spdx'] }, singleImage([attested(bom())])).reason).toBe(
      'no spdx SBOM by build',
    )
    const mistyped = attested(spdx)
    expect(evaluate(gate, singleImage([mistyped])).result).toBe('pass')
    expect(evaluate({ ...gate, formats: ['cyclonedx'] }, singleImage([mistyped])).reason).toContain(
      'its format is spdx',
    )
  })

  it('with fewer components than `minComponents`', () => {
    const two = attested(bom(amd64, ['a', 'b']))
    expect(evaluate({ ...gate, minComponents: 2 }, singleImage([two])).result).toBe('pass')
    expect(evaluate({ ...gate, minComponents: 3 }, singleImage([two])).reason).toContain('2 of 3 components')
    expect(evaluate({ ...gate, minComponents: 0 }, singleImage([attested(bom(amd64, []))])).result).toBe(
      'fail',
    )
  })

  it('without `signedBy`, for a truncated file and one of the other platform', () => {
    expect(evaluate(unsigned, singleImage([plain('{"bomFormat": "Cyclo')])).reason).toContain('not JSON')
    expect(evaluate(unsigned, singleImage([plain(bom(arm64))])).result).toBe('fail')
    const onIndex = plain(bom(index), { to: index })
    expect(evaluate(unsigned, judgedImage([onIndex])).reason).toContain(`it describes ${shortDigest(index)}`)
  })

  it('if a platform image has none', () => {
    const found = evaluate(gate, judgedImage([attested(bom())]))
    expect(found).toMatchObject({ result: 'fail', reason: 'linux/arm64: no spdx or cyclonedx SBOM by build' })
  })

  it('for a Helm chart unless it is excluded', () => {
    const chart = judgedImage([attested(bom(index), { to: index })], { platforms: [] })
    expect(evaluate(gate, chart).reason).toBe('the artifact has no platform images')
    expect(evaluate({ ...gate, appliesTo: 'image' }, chart).result).toBe('fail')
    expect(evaluate({ ...gate, excludeImages: ['a*'] }, chart).result).toBe('skipped')
  })
})

describe('an SBOM of buildx', () => {
  const made = [amd64, arm64].map((to) =>
    statement('https://spdx.dev/Document', spdx, { to, by: [], layout: 'buildx' }),
  )

  it('has the signers of its index', () => {
    const found = evaluate(gate, judgedImage([...made, signature()]))
    expect(found.result).toBe('pass')
    expect(found.evidence.map((one) => one.digest)).toContain(signature().artifact)
    expect(evaluate(gate, judgedImage(made)).result).toBe('fail')
    expect(evaluate(gate, judgedImage([...made, signature({ by: ['stranger'] })])).result).toBe('fail')
  })

  it('needs none without `signedBy`', () => {
    expect(evaluate(unsigned, judgedImage(made)).result).toBe('pass')
  })
})

it('an SBOM that passed is a fact for rules, with the manifest of each component', () => {
  const { facts } = evaluateSbom(gate, singleImage([attested(bom())]), evaluationContext(), new Map())
  expect(facts).toEqual({
    components: [{ name: 'openssl', version: '1.0', licenses: [], subject: amd64 }],
    attestations: [
      { predicateType: 'https://cyclonedx.org/bom', predicate: bom(), subject: amd64, signer: 'build' },
    ],
    signers: [{ signer: 'build', subject: amd64 }],
  })
  expect(evaluateSbom(gate, singleImage(), evaluationContext(), new Map()).facts).toBeUndefined()
})
