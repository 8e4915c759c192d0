import { describe, expect, it } from 'vitest'
import type { GateDefinition } from '../../src/config/gates/gate.ts'
import { judge } from '../../src/gates/judge.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { scripted } from '../registry/client/world.ts'
import { cosignTagged, document, signature } from '../support/gates/attached.ts'
import { attestationGate, sbomGate, scanGate, signatureGate } from '../support/gates/definitions.ts'
import { judging, type JudgingOptions } from '../support/gates/judging.ts'
import { newSigner } from '../support/gates/test-signer.ts'
import { gateTrust } from '../support/gates/trust.ts'
import { Oracle } from '../support/oracle.ts'
import { type Content, image, referrer, sha256, together } from '../support/images.ts'

const build = newSigner()
const trust = gateTrust({ build })
const api = image({ label: 'api' })
const mebibyte = 1024 * 1024

async function gathered(
  content: Content,
  gates: readonly GateDefinition[] = [signatureGate()],
  options: Partial<JudgingOptions> = {},
) {
  const { gather } = await judging(content, { trust, gates, ...options })
  return await gather()
}

/** The content without one blob, or with other bytes under its digest. */
function withBlob(content: Content, digest: string, bytes?: Uint8Array): Content {
  const blobs = new Map(content.blobs)
  blobs.delete(digest)
  return { ...content, blobs: bytes === undefined ? blobs : blobs.set(digest, bytes) }
}

/** The digest of the only layer of an attached artifact. */
function layerOf(attached: Content): string {
  const body = JSON.parse(Buffer.from(attached.manifests[0]?.bytes ?? '').toString()) as {
    layers: { digest: string }[]
  }
  return body.layers[0]?.digest ?? ''
}

describe('an attached artifact', () => {
  it.each(['bundle', 'old'] as const)('without its layer is unreadable: %s', async (as) => {
    const signed = signature(api, build, { as })
    const content = withBlob(together(api, signed), layerOf(signed))
    const { evidence, limit } = await gathered(content, [signatureGate()], { at: 'layout' })
    expect(evidence).toMatchObject([{ signers: [], content: { kind: 'unreadable', isDamaged: true } }])
    expect(limit).toBeUndefined()
  })

  it.each(['bundle', 'old'] as const)('with other bytes in its layer is unreadable: %s', async (as) => {
    const signed = signature(api, build, { as })
    const digest = layerOf(signed)
    const bytes = Buffer.from(signed.blobs.get(digest) ?? '')
    bytes[bytes.byteLength >> 1] = 0x20
    const content = withBlob(together(api, signed), digest, bytes)
    const { evidence } = await gathered(content, [signatureGate()], { at: 'layout' })
    expect(evidence).toMatchObject([{ signers: [], content: { kind: 'unreadable' } }])
  })

  it('of more than 32 MiB is not read, and names the limit', async () => {
    const sbom = document(api, 'application/spdx+json', '{ }', { claimedSize: 33 * mebibyte })
    const { evidence } = await gathered(together(api, sbom), [sbomGate()], { at: 'layout' })
    const reason = `it has ${33 * mebibyte} bytes, and the limit is 32 MiB`
    expect(evidence).toMatchObject([{ content: { kind: 'unreadable', reason, isDamaged: true } }])
  })

  it.each([
    ['a duplicate key', '{"predicateType":"https://slsa.dev/provenance/v1","predicateType":"x"}'],
    ['a depth of 200', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`],
    ['an end too early', '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"'],
    ['no JSON', 'PK'],
  ])('with %s in its bundle or statement is unreadable', async (_, text) => {
    for (const type of ['application/vnd.dev.sigstore.bundle.v0.3+json', 'application/vnd.in-toto+json']) {
      const { evidence } = await gathered(together(api, document(api, type, text)), [attestationGate()])
      expect(evidence).toMatchObject([{ signers: [], content: { kind: 'unreadable' } }])
    }
  })

  it('under a tag that is no manifest of signatures has no signers', async () => {
    const layer = { mediaType: 'text/plain', text: 'hello', annotations: {} }
    const { evidence } = await gathered(together(api, cosignTagged(api, 'sig', [layer])), [
      signatureGate(),
      sbomGate(),
    ])
    expect(evidence.every(({ signers }) => signers.length === 0)).toBe(true)
  })

  it('that names another image as its subject is not evidence', async () => {
    const other = image({ label: 'other' })
    const signed = signature(other, build)
    const moved = { ...signed, manifests: signed.manifests.map((m) => ({ ...m, subject: api.root.digest })) }
    const { evidence } = await gathered(together(api, other, moved), undefined, { at: 'docker-registry-2.8' })
    expect(evidence).toEqual([])
  })
})

describe('the evidence of an image', () => {
  it('of more than 500 needed artifacts exceeds a limit', async () => {
    const layers = Array.from({ length: 501 }, (_, i) => ({
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      text: `{"number":${i}}`,
      annotations: { 'dev.cosignproject.cosign/signature': 'AA==' },
    }))
    const attached = together(api, cosignTagged(api, 'sig', layers))
    const { limit, evidence } = await gathered(attached, [signatureGate()], { at: 'layout' })
    expect(limit).toBe('the image has 501 attached artifacts that its gates need, and the limit is 500')
    expect(evidence).toEqual([])
    const { limit: none } = await gathered(attached, [attestationGate()], { at: 'layout' })
    expect(none).toBeUndefined()
  })

  it('of more than 128 MiB exceeds a limit', async () => {
    const sboms = Array.from({ length: 5 }, (_, i) =>
      document(api, 'application/spdx+json', `{"number":${i}}`, { claimedSize: 30 * mebibyte }),
    )
    const { limit } = await gathered(together(api, ...sboms), [sbomGate()], { at: 'layout' })
    expect(limit).toBe(
      `the attached artifacts that the gates need have ${150 * mebibyte} bytes, and the limit is 128 MiB`,
    )
  })

  it('with a listed artifact that does not exist refuses every gate', async () => {
    const signed = signature(api, build)
    const lost = referrer(api, { payload: 'lost' })
    const { registry, ...lostOne } = await withLostReferrer(signed, lost)
    const [result] = await lostOne.judge()
    expect(result).toMatchObject({ result: 'fail', effect: 'refused' })
    expect(result?.reason).toContain(
      `${registry}/staging/api@${lost.root.digest} is listed, but does not exist`,
    )
  })

  it.each([
    ['forbidden', 403],
    ['protocol', 500],
  ] as const)('is unknown if reading its list is an error: %s', async (code, status) => {
    const { registry } = await scripted(({ path }) => {
      if (path.includes('/referrers/') || path.includes('sha256-')) return { status }
      const body = path.endsWith('/tags/list') ? '{"name":"staging/api","tags":["1.4.2"]}' : undefined
      return body === undefined ? manifestAnswer() : { status: 200, body }
    })
    const { ports, request, call } = await judging(api, { trust, gates: [signatureGate()] })
    const from = { ...request.from, repository: { registry, path: 'staging/api' } }
    const results = await judge({ ...request, from }, ports, call)
    expect(results).toMatchObject([{ result: 'error', effect: 'refused', error: { code } }])
    expect(results[0]?.evidence).toEqual([])
  })
})

describe('a scan gate', () => {
  it('gets a report file with its SHA-256, and with the digest that the user asserts', async () => {
    const bytes = Buffer.from('{}')
    const file = { name: 'report.json', bytes, sha256: digestOf(bytes) }
    const asserted = digestOf('another image')
    const { evidence } = await gathered(api, [scanGate({ allowReportFile: true })], {
      reportFiles: [file, { ...file, asserted }],
    })
    const common = { layout: 'reportFile', artifact: sha256(bytes), signers: [] }
    expect(evidence).toMatchObject([
      { ...common, attachedTo: api.root.digest },
      { ...common, attachedTo: asserted, assertedDigest: asserted },
    ])
  })
})

function manifestAnswer() {
  const [manifest] = api.manifests
  return {
    status: 200,
    headers: { 'content-type': manifest?.descriptor.mediaType ?? '' },
    body: manifest?.bytes ?? '',
  }
}

/** A registry without the referrers API, whose fallback tag lists an artifact that is deleted. */
async function withLostReferrer(signed: Content, lost: Content) {
  const made = await judging(together(api, signed, lost), {
    at: 'docker-registry-2.8',
    trust,
    gates: [signatureGate()],
  })
  const { registry } = made.request.from.repository
  await new Oracle(registry).delete('staging/api', lost.root.digest)
  return { registry, ...made }
}
