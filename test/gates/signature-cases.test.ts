import { describe, expect, it } from 'vitest'
import type { GateDefinition } from '../../src/config/gates/gate.ts'
import type { GateResult } from '../../src/plan/gates/gate-result.ts'
import {
  approvalsGate,
  attestationGate,
  sbomGate,
  scanGate,
  signatureGate,
} from '../support/gates/definitions.ts'
import {
  attestation,
  cosignTagged,
  document,
  notationSignature,
  signature,
  simpleSigningLayer,
} from '../support/gates/attached.ts'
import { judging, type JudgingOptions } from '../support/gates/judging.ts'
import {
  bundleText,
  envelopeText,
  payloadTypes,
  signaturePredicate,
  simpleSigningText,
  statementText,
} from '../support/gates/statements.ts'
import { newSigner } from '../support/gates/test-signer.ts'
import { gateTrust } from '../support/gates/trust.ts'
import { artifact, type Content, image, index, manifestOf, together, types } from '../support/images.ts'
import { critical, trivy, vulnType } from '../support/gates/scan-reports.ts'
import { parseDigest } from '../../src/oci/digest.ts'

/** Attached artifacts as a registry has them, read and judged. */

const build = newSigner()
const trust = gateTrust({ build })
const api = image({ label: 'api' })
const other = image({ label: 'other' })
const slsa = 'https://slsa.dev/provenance/v1'
const layouts = ['bundle', 'old'] as const

async function resultsOf(
  content: Content,
  gates: readonly GateDefinition[] = [signatureGate()],
  options: Partial<JudgingOptions> = {},
): Promise<readonly GateResult[]> {
  const { judge } = await judging(content, { trust, gates, ...options })
  return await judge()
}

async function verdictOf(...args: Parameters<typeof resultsOf>): Promise<string> {
  return (await resultsOf(...args)).map(({ result }) => result).join()
}

describe('a signature gate', () => {
  it.each(layouts)('fails for a signature of another image that is attached to this one: %s', async (as) => {
    const [result] = await resultsOf(together(api, signature(api, build, { as, about: other })))
    expect(result).toMatchObject({ result: 'fail', effect: 'refused' })
    expect(result?.warnings?.join()).toContain(other.root.digest.slice(0, 15))
  })

  it('passes for a signature that names the repository of staging', async () => {
    const reference = 'registry.test/staging/api'
    expect(await verdictOf(together(api, signature(api, build, { as: 'old', reference })))).toBe('pass')
  })

  it.each(layouts)('applies to the index alone, and with `all` to its platforms: %s', async (as) => {
    const multi = index(['amd64', 'arm64'], { label: 'api' })
    const gates = [signatureGate(), signatureGate({ name: 'all', appliesTo: 'all' })]
    const [ofIndex, ofAll] = await resultsOf(together(multi, signature(multi, build, { as })), gates)
    expect(ofIndex?.result).toBe('pass')
    expect(ofAll?.result).toBe('fail')
    const failed = ofAll?.subjects.filter(({ result }) => result === 'fail').map(({ platform }) => platform)
    expect(failed).toEqual(['linux/amd64', 'linux/arm64'])
  })

  it('applies to the root of an index in an index', async () => {
    const nested = index(['arm64'], { label: 'nested' })
    const root = index([nested, 'amd64'], { label: 'root' })
    expect(await verdictOf(together(root, signature(root, build)))).toBe('pass')
    expect(await verdictOf(together(root, signature(nested, build)))).toBe('fail')
  })

  it.each(layouts)('ignores annotations that only the manifest or the layer has: %s', async (as) => {
    const gates = [signatureGate({ annotations: { channel: 'release' } })]
    const annotations = { channel: 'release' }
    expect(await verdictOf(together(api, signature(api, build, { as, annotations })), gates)).toBe('pass')
    const layer = simpleSigningLayer(simpleSigningText(api), [build])
    const unsigned = { ...layer, annotations: { ...layer.annotations, ...annotations } }
    expect(await verdictOf(together(api, cosignTagged(api, 'sig', [unsigned])), gates)).toBe('fail')
  })

  it.each(layouts)(
    'fails for a provenance by the right signer, and so does an approval gate: %s',
    async (as) => {
      const gates = [signatureGate(), approvalsGate(), attestationGate()]
      const people = gateTrust({ build }, { ada: build })
      const attached = together(api, attestation(api, slsa, {}, build, { as }))
      expect(await verdictOf(attached, gates, { trust: people })).toBe('fail,fail,pass')
    },
  )

  it('fails for a key past its last day', async () => {
    const at = Date.now()
    const signed = together(api, signature(api, build))
    const withKey = (expiresAt: number) => ({
      trust: { ...trust, signers: new Map([['build', build.trusted('build', expiresAt)]]) },
    })
    expect(await verdictOf(signed, undefined, withKey(at + 3_600_000))).toBe('pass')
    expect(await verdictOf(signed, undefined, withKey(at - 1))).toBe('fail')
  })

  it('refuses an image that only Notation has signed as not supported', async () => {
    const [result] = await resultsOf(together(api, notationSignature(api)))
    expect(result).toMatchObject({ result: 'fail', effect: 'refused' })
    expect(result?.reason).toContain('not supported yet')
  })

  it('passes beside an artifact that names the layer of a valid one with a wrong size', async () => {
    const signed = signature(api, build)
    const text = [...signed.blobs.values()].find((bytes) => bytes.byteLength > 100) ?? ''
    const foreign = document(api, 'application/vnd.dev.sigstore.bundle.v0.3+json', text, { claimedSize: 7 })
    for (const attached of [together(api, signed, foreign), together(api, foreign, signed)])
      expect(await verdictOf(attached, undefined, { at: 'layout' })).toBe('pass')
  })

  it('passes for two signatures in one envelope, and names the unknown one', async () => {
    const text = statementText(api, signaturePredicate, {})
    const envelope = JSON.parse(envelopeText(text, [newSigner(), build])) as object
    const bundle = { ...(JSON.parse(bundleText(text, build)) as object), dsseEnvelope: envelope }
    const attached = document(api, payloadTypes.bundle, JSON.stringify(bundle))
    const [result] = await resultsOf(together(api, attached))
    expect(result?.result).toBe('pass')
    expect(result?.warnings?.join()).toContain('signed by a key that no signer has')
  })

  it('fails for a signature of a signature', async () => {
    const foreign = signature(api, newSigner())
    expect(await verdictOf(together(api, foreign, signature(foreign, build)))).toBe('fail')
    const about = signature(foreign, build, { about: api })
    expect(await verdictOf(together(api, foreign, about))).toBe('fail')
  })

  it.each(['https://sigstore.dev/cosign/sign/v1 ', 'https://sigstore.dev/cosign/sign/V1', ''])(
    'fails for a statement of the predicate type %j',
    async (type) => {
      expect(await verdictOf(together(api, attestation(api, type, {}, build)))).toBe('fail')
    },
  )

  it('passes for a statement with several subjects if one of them is the digest', async () => {
    const about = (...all: readonly Content[]): Content =>
      attestation(api, signaturePredicate, {}, build, { about: all })
    expect(await verdictOf(together(api, about(other, api)))).toBe('pass')
    expect(await verdictOf(together(api, about(other, other)))).toBe('fail')
  })

  it('passes for one valid signature among 20 unknown ones', async () => {
    const unknown = Array.from({ length: 20 }, () => signature(api, newSigner()))
    const [result] = await resultsOf(together(api, ...unknown, signature(api, build)))
    expect(result).toMatchObject({ result: 'pass' })
    expect(result?.evidence).toHaveLength(1)
  })
})

describe('a gate about platforms', () => {
  it('reads a report that another index lists as if buildx had made it', async () => {
    const amd64 = image({ label: 'api' })
    const scanned = (age: number, findings: readonly (typeof critical)[] = []): Content => {
      const [root, now] = [amd64.root.digest, Date.now()]
      const report = trivy({ findings, config: null, manifests: [parseDigest(root)] })
      const result = { ...report, CreatedAt: new Date(now - age).toISOString() }
      return attestation(amd64, vulnType, { scanner: { result } }, build)
    }
    const [good, bad] = [scanned(7_200_000), scanned(3_600_000, [critical])]
    const platform = { os: 'unknown', architecture: 'unknown' }
    const hidden = {
      ...bad.root,
      platform,
      annotations: { 'vnd.docker.reference.digest': amd64.root.digest },
    }
    const root = manifestOf(types.index, { manifests: [amd64.root, hidden] })
    const multi = together(amd64, good, bad)
    const all = { ...multi, root: root.descriptor, manifests: [...multi.manifests, root] }
    const [result] = await resultsOf(all, [scanGate()])
    expect(result).toMatchObject({ result: 'fail', reason: expect.stringContaining(critical.id) as string })
  })

  it.each(['helm', 'wasm'] as const)('fails for an artifact without platforms: %s', async (kind) => {
    const chart = artifact(kind)
    const results = await resultsOf(chart, [scanGate(), sbomGate()])
    expect(results.map(({ result }) => result)).toEqual(['fail', 'fail'])
  })

  it('does not apply to an artifact that is excluded', async () => {
    const results = await resultsOf(artifact('helm'), [scanGate({ excludeImages: ['api'] })])
    expect(results.map(({ result }) => result)).toEqual(['skipped'])
  })

  it('does not read a document of the image as one of its platform', async () => {
    const multi = index(['amd64', 'arm64'], { label: 'api' })
    const sbom = document(multi, 'application/spdx+json', '{"spdxVersion":"SPDX-2.3"}')
    expect(await verdictOf(together(multi, sbom), [sbomGate()])).toBe('fail')
  })
})
