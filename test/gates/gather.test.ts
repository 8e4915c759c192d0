import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { AttachedEvidence } from '../../src/gates/evidence.ts'
import { gatherImage } from '../../src/gates/gather.ts'
import { walkGraph } from '../../src/images/graph/graph.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import { formatIdentity } from '../../src/signing/trust/verdict.ts'
import {
  attestation,
  cosignTagged,
  document,
  notationSignature,
  signature,
  simpleSigningLayer,
  unsignedStatement,
} from '../support/gates/attached.ts'
import { buildxWith } from '../support/gates/buildx-statements.ts'
import {
  approvalsGate,
  attestationGate,
  celGate,
  completenessGate,
  sbomGate,
  scanGate,
  signatureGate,
  soakGate,
} from '../support/gates/definitions.ts'
import { promotion } from '../support/gates/attached-statements.ts'
import { judging } from '../support/gates/judging.ts'
import { simpleSigningText } from '../support/gates/statements.ts'
import { newSigner } from '../support/gates/test-signer.ts'
import { gateTrust } from '../support/gates/trust.ts'
import {
  artifact,
  body,
  type Content,
  type Descriptor,
  image,
  index,
  manifestOf,
  referrer,
  sha256,
  type StoredManifest,
  together,
  types,
} from '../support/images.ts'

const build = newSigner()
const trust = gateTrust({ build })
const slsa = 'https://slsa.dev/provenance/v1'
const api = index(['amd64', 'arm64'], { label: 'api', layers: 1 })
const [amd64, arm64] = api.manifests.map(({ descriptor }) => descriptor)

/** What was found, in one line each. */
function summary(evidence: readonly AttachedEvidence[]): readonly string[] {
  return evidence
    .map(({ layout, content, signers }) => {
      const by = signers.map(({ signer }) => signer).join() || 'nobody'
      return `${layout} ${content.kind} by ${by}`
    })
    .toSorted()
}

describe('evidence', () => {
  it.each(['oci-1.1', 'docker-registry-2.8', 'layout'] as const)(
    'is found in each layout, at %s',
    async (at) => {
      const attached = together(
        api,
        signature(api, build),
        signature(api, build, { as: 'old' }),
        attestation(api, slsa, {}, build),
        attestation(api, slsa, {}, build, { as: 'old' }),
        unsignedStatement(api, slsa, {}),
      )
      const { gather } = await judging(attached, { at, trust, gates: [signatureGate(), attestationGate()] })
      const { evidence } = await gather()
      expect(summary(evidence)).toEqual([
        'bundle signature by build',
        'bundle statement by build',
        'dsse statement by build',
        'plain statement by nobody',
        'simpleSigning signature by build',
      ])
      expect(new Set(evidence.map(({ attachedTo }) => attachedTo))).toEqual(new Set([api.root.digest]))
    },
  )

  it('is found under a tag with a prefix', async () => {
    const layer = simpleSigningLayer(simpleSigningText(api), [build])
    const attached = together(api, cosignTagged(api, 'sig', [layer], 'team-'))
    const { gather } = await judging(attached, { trust, gates: [signatureGate()] })
    expect(summary((await gather()).evidence)).toEqual(['simpleSigning signature by build'])
  })

  it('names the key of a signer and no other fact of the key', async () => {
    const { gather } = await judging(together(api, signature(api, build)), {
      trust,
      gates: [signatureGate()],
    })
    const [found] = (await gather()).evidence
    expect(found?.signers.map(({ identity }) => formatIdentity(identity))).toEqual([build.fingerprint])
  })

  it('of buildx is attached to the platform image that the index names', async () => {
    const statement = { predicateType: 'https://spdx.dev/Document', predicate: {} }
    const built = buildxWith(['amd64', 'arm64'], () => [statement])
    const { gather } = await judging(together(built, signature(built, build)), {
      trust,
      gates: [sbomGate({ signedBy: ['build'] })],
    })
    const { evidence, platforms } = await gather()
    expect(summary(evidence)).toEqual([
      'buildx statement by nobody',
      'buildx statement by nobody',
      'bundle signature by build',
    ])
    const ofBuildx = evidence.filter(({ layout }) => layout === 'buildx').map(({ attachedTo }) => attachedTo)
    expect(ofBuildx).toEqual(platforms.map(({ digest }) => digest))
  })

  it('of buildx is found once if the registry lists its manifest as a referrer too', async () => {
    const statement = { predicateType: 'https://spdx.dev/Document', predicate: {} }
    const built = buildxWith(['amd64'], () => [statement], { isReferrer: true })
    const { gather } = await judging(built, { trust, gates: [sbomGate()] })
    expect(summary((await gather()).evidence)).toEqual(['buildx statement by nobody'])
  })

  it('that is a plain document has its bytes and the type of the artifact', async () => {
    const text = '{"spdxVersion":"SPDX-2.3"}'
    const sbom = document(amd64 ?? '', 'application/json', text, { artifactType: 'application/spdx+json' })
    const { gather } = await judging(together(api, sbom), { trust, gates: [sbomGate()] })
    const [found] = (await gather()).evidence
    expect(found).toMatchObject({
      attachedTo: amd64?.digest,
      content: { kind: 'document', mediaType: 'application/spdx+json', bytes: Buffer.from(text) },
    })
  })

  it('of Notation is recognised, and not verified', async () => {
    const { gather, requests } = await judging(together(api, notationSignature(api)), {
      trust,
      gates: [signatureGate()],
    })
    const [found] = (await gather()).evidence
    expect(found).toMatchObject({
      layout: 'notation',
      signers: [],
      content: { kind: 'unreadable', reason: 'Notation signatures are not supported yet' },
    })
    expect(requests()).not.toContain('GET blob 200')
  })

  it('of an image with a SHA-512 digest is found', async () => {
    const single = image()
    const [manifest] = single.manifests
    const bytes = manifest?.bytes ?? new Uint8Array()
    const root = { ...single.root, digest: `sha512:${hash('sha512', bytes)}` }
    const long: Content = { root, blobs: single.blobs, manifests: [{ bytes, descriptor: root }] }
    const { gather } = await judging(together(long, signature(long, build)), {
      trust,
      gates: [signatureGate()],
    })
    const [found] = (await gather()).evidence
    expect(found).toMatchObject({ attachedTo: root.digest, signers: [{ signer: 'build' }] })
    expect(found?.content).toMatchObject({ kind: 'signature', digests: [root.digest] })
  })

  it('that no signature verifies counts as unsigned, with the reason', async () => {
    const { gather } = await judging(together(api, signature(api, newSigner())), {
      trust,
      gates: [signatureGate()],
    })
    const [found] = (await gather()).evidence
    expect(found?.signers).toEqual([])
    expect(found?.problems).toHaveLength(1)
  })
})

describe('a read', () => {
  const blobs = (requests: readonly string[]): number =>
    requests.filter((one) => one === 'GET blob 200').length

  it('is made once for each artifact of a needed type, and for no other', async () => {
    const attached = together(
      api,
      signature(api, build),
      attestation(api, slsa, {}, build),
      attestation(api, slsa, { again: true }, build, { as: 'old' }),
      attestation(api, 'urn:dray:approval:v1', {}, build),
      attestation(api, 'https://spdx.dev/Document', {}, build),
      referrer(api, { artifactType: 'application/vnd.example.logo' }),
    )
    const { gather, requests } = await judging(attached, { trust, gates: [attestationGate()] })
    await gather()
    expect(blobs(requests())).toBe(2)
    const all = await judging(attached, {
      trust,
      gates: [signatureGate(), attestationGate(), approvalsGate()],
    })
    await all.gather()
    expect(blobs(all.requests())).toBe(4)
  })

  it('is made of a bundle whose annotations do not name its predicate type', async () => {
    const attached = together(api, attestation(api, slsa, {}, build, { isUnlabelled: true }))
    const { gather } = await judging(attached, { trust, gates: [soakGate()] })
    const [found] = (await gather()).evidence
    expect(found?.content).toMatchObject({ kind: 'statement', predicateType: slsa })
  })

  it('is not repeated by the same run', async () => {
    const { gather, requests } = await judging(together(api, signature(api, build)), {
      trust,
      gates: [signatureGate()],
    })
    await gather()
    expect(blobs(requests())).toBe(1)
    expect(summary((await gather()).evidence)).toEqual(['bundle signature by build'])
    expect(blobs(requests())).toBe(0)
  })

  it('of the tag list serves the images that are judged at the same time', async () => {
    const { request, ports, call, requests } = await judging(api, { trust, gates: [signatureGate()] })
    let now = 0
    const clock = { ...ports.clock, now: () => now }
    const timed = { ...ports, clock }
    const lists = async (): Promise<number> => {
      await gatherImage(request, 'api', timed, call)
      return requests().filter((one) => one === 'GET tags 200').length
    }
    expect([await lists(), await lists()]).toEqual([1, 0])
    now = 2001
    expect(await lists()).toBe(1)
  })

  it('of configs is made only for a rule that uses labels', async () => {
    const labelled = index(['amd64', 'arm64'], { label: 'api', labels: { tier: 'gold' } })
    const without = await judging(labelled, { trust, gates: [celGate('image.tag == "1.4.2"')] })
    expect((await without.gather()).platforms[0]?.labels).toBeUndefined()
    expect(blobs(without.requests())).toBe(0)
    const { gather, requests } = await judging(labelled, { gates: [celGate('image.labels.tier == "gold"')] })
    const { platforms, root } = await gather()
    expect(blobs(requests())).toBe(2)
    expect(platforms.map(({ labels }) => labels?.['tier'])).toEqual(['gold', 'gold'])
    expect(root.created).toBe('2026-01-02T03:04:05Z')
  })

  it('uses what the run has read of the image', async () => {
    const { request, ports, call, requests } = await judging(api, { trust, gates: [signatureGate()] })
    const graph = await walkGraph(ports.stores.source(request.from.repository), request.root, call)
    requests()
    await gatherImage({ ...request, read: { graph, evidence: [] } }, 'api', ports, call)
    expect(requests()).toEqual([])
  })
})

describe('the attached artifacts for completeness', () => {
  const layer = simpleSigningLayer(simpleSigningText(api), [build])
  const more = simpleSigningLayer(simpleSigningText(api, { optional: { by: 'qa' } }), [build])
  const first = cosignTagged(api, 'sig', [layer])
  const listed = parseDigest(first.root.digest)
  const listing = promotion(api, build, { time: '2026-11-24T00:00:00Z', evidence: [listed] })
  // The manifest that cosign replaced has no tag any more.
  const untagged = {
    ...first,
    manifests: first.manifests.map(({ bytes, descriptor }) => ({ bytes, descriptor })),
  }
  const attachedIn = async (content: Content): Promise<boolean> => {
    const { gather } = await judging(content, { trust, gates: [completenessGate()] })
    return (await gather()).attached.has(listed)
  }

  it('have a manifest that cosign replaced by one with all of its entries', async () => {
    const appended = cosignTagged(api, 'sig', [layer, more])
    expect(await attachedIn(together(api, untagged, listing, appended))).toBe(true)
  })

  it('lack a manifest that was replaced by one without an entry, or that is gone', async () => {
    const other = cosignTagged(api, 'sig', [more])
    expect(await attachedIn(together(api, untagged, listing, other))).toBe(false)
    expect(await attachedIn(together(api, listing, cosignTagged(api, 'sig', [layer, more])))).toBe(false)
    expect(await attachedIn(together(api, untagged, listing))).toBe(false)
  })
})

describe('the platforms of an image', () => {
  const gates = [scanGate()]
  const platformsOf = async (content: Content): Promise<readonly (string | undefined)[]> => {
    const { gather } = await judging(content, { gates })
    return (await gather()).platforms.map(({ platform }) => platform)
  }

  it('are the entries of its indexes, also of an index in an index', async () => {
    const nested = index([index(['arm64'], { label: 'nested' }), 'amd64'])
    expect(new Set(await platformsOf(nested))).toEqual(new Set(['linux/amd64', 'linux/arm64']))
  })

  it('are the image itself if it is not an index', async () => {
    const single = image()
    const { gather } = await judging(single, { gates })
    const { root, platforms } = await gather()
    expect(platforms).toEqual([root])
    expect(root.config).toMatch(/^sha256:/)
  })

  it('are none of a Helm chart', async () => {
    expect(await platformsOf(artifact('helm'))).toEqual([])
  })

  it('are not the entries of buildx for unknown/unknown', async () => {
    expect(await platformsOf(buildxWith(['amd64'], () => []))).toEqual(['linux/amd64'])
  })

  it('are also entries that only say that they are attestations', async () => {
    const child = image()
    const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' }
    const root = manifestOf(types.index, { manifests: [{ ...child.root, annotations }] })
    const hidden = { root: root.descriptor, blobs: child.blobs, manifests: [...child.manifests, root] }
    expect(await platformsOf(hidden)).toEqual(['linux/amd64'])
  })

  it('are also entries without a platform, whatever the type of their config is', async () => {
    const entry = (config: Descriptor): StoredManifest => manifestOf(types.manifest, { config, layers: [] })
    const { config } = body(image()) as { readonly config: Descriptor }
    const [hidden, empty] = [
      { ...config, mediaType: 'application/vnd.example.config+json' },
      { mediaType: types.empty, digest: sha256('{}'), size: 2 },
    ].map(entry)
    const children = [hidden, empty].flatMap((one) => one ?? [])
    const root = manifestOf(types.index, { manifests: children.map(({ descriptor }) => descriptor) })
    const blobs = new Map([...image().blobs, [sha256('{}'), Buffer.from('{}')]])
    const all = { root: root.descriptor, blobs, manifests: [...children, root] }
    const { gather } = await judging(all, { gates })
    expect((await gather()).platforms.map(({ digest }) => digest)).toEqual([hidden?.descriptor.digest])
  })

  it('keep the platform and the config of each', async () => {
    const { gather } = await judging(api, { gates })
    expect((await gather()).platforms.map(({ digest }) => digest)).toEqual([amd64?.digest, arm64?.digest])
  })
})
