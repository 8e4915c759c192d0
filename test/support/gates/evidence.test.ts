import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EvidenceSearch } from '../../../src/images/evidence/evidence.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { parseEnvelope, signersOf } from '../../../src/signing/dsse.ts'
import { parseBundle } from '../../../src/signing/sigstore-bundle.ts'
import { embedded, newCall, openStores } from '../../registry/client/world.ts'
import { type Content, image, sha256 } from '../images.ts'
import { attestation, notationSignature, signature, unsignedStatement } from './attached.ts'
import { buildxWith } from './buildx-statements.ts'
import {
  fixtureEvidence,
  fixtureImage,
  fixturePath,
  fixturePlatform,
  fixtureWith,
} from './cosign-fixtures.ts'
import { newSigner } from './test-signer.ts'

const fixtures = readdirSync(fixturePath('.')).flatMap((file) =>
  file.endsWith('.json') && file !== 'trusted_root.json' ? [file.slice(0, -'.json'.length)] : [],
)

function onlyLayer(content: Content): Uint8Array {
  const body = JSON.parse(Buffer.from(content.manifests[0]?.bytes ?? '').toString()) as {
    layers: { digest: string }[]
  }
  return content.blobs.get(body.layers[0]?.digest ?? '') ?? new Uint8Array()
}

describe('a fixture of cosign', () => {
  it.each(fixtures)('has the bytes of its digests: %s', (name) => {
    const { manifests, blobs } = fixtureEvidence(name)
    for (const { bytes, descriptor } of manifests) expect(sha256(bytes)).toBe(descriptor.digest)
    for (const [digest, bytes] of blobs) expect(sha256(bytes)).toBe(digest)
  })

  it.each(['oci-1.1', 'docker-registry-2.8'] as const)('is found at %s', async (profile) => {
    const { registry, push } = await embedded({ profile })
    const root = await push(fixtureWith('key-new-signed', 'keyless-old-signed'), 'staging/api', '1.4.2')
    const store = openStores().source({ registry, path: 'staging/api' })
    const search = new EvidenceSearch(store, { dangling: 'fail' })
    await search.find([root.digest], newCall())
    expect(search.found.map(({ via }) => via).toSorted()).toEqual(['subject', 'tag'])
  })

  it('is about the platforms of its index', () => {
    const known = fixtureImage().manifests.map(({ descriptor }) => descriptor.digest)
    expect(known).toContain(fixturePlatform('arm64'))
    const { manifests } = fixtureEvidence('key-new-vuln-arm64')
    expect(manifests[0]?.subject).toBe(fixturePlatform('arm64'))
  })
})

describe('evidence made in a test', () => {
  it.each(['p256', 'p384', 'p521', 'rsa', 'ed25519'] as const)('is signed by a key of %s', (kind) => {
    const signer = newSigner(kind)
    const api = image()
    const { envelope } = parseBundle(onlyLayer(signature(api, signer)), 'the bundle')
    expect(signersOf(envelope, signer.trusted('build').keys)).not.toContain(undefined)
    const old = JSON.parse(
      Buffer.from(onlyLayer(attestation(api, 'urn:x', {}, signer, { as: 'old' }))).toString(),
    )
    expect(signersOf(parseEnvelope(old, 'the envelope'), signer.trusted('build').keys)).not.toContain(
      undefined,
    )
  })

  it('is found beside its image', async () => {
    const { registry, push } = await embedded()
    const build = newSigner()
    const api = buildxWith(['amd64'], () => [{ predicateType: 'https://spdx.dev/Document', predicate: {} }])
    const root = await push(api, 'staging/api', '1.4.2')
    const attached = [
      signature(api, build),
      signature(api, build, { as: 'old' }),
      unsignedStatement(api, 'urn:x', {}),
      notationSignature(api),
    ]
    for (const one of attached) await push(one, 'staging/api')
    const store = openStores().source({ registry, path: 'staging/api' })
    const search = new EvidenceSearch(store, { dangling: 'fail' })
    await search.find([parseDigest(root.digest)], newCall())
    expect(search.found).toHaveLength(attached.length)
  })
})
