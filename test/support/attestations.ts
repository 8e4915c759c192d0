import { generateKeyPairSync } from 'node:crypto'
import {
  attachAttestation,
  type Attestation,
  attestationArtifact,
} from '../../src/audit/attestation/attestation-artifact.ts'
import type { PutStatement } from '../../src/audit/attestation/statement-artifact.ts'
import type { TargetRepository } from '../../src/images/ports.ts'
import type { Call } from '../../src/lib/call.ts'
import type { Promotion } from '../../src/audit/attestation/promotion-statement.ts'
import {
  parseSigningKey,
  publicHalf,
  type SigningKey,
  type VerifyKey,
} from '../../src/signing/signing-keys.ts'
import { parseDescriptor } from '../../src/oci/descriptor.ts'
import { digestOf, parseDigest } from '../../src/oci/digest.ts'
import { parseRepository } from '../../src/oci/reference.ts'
import { type Content, referrer, sha256, types } from './images.ts'

export interface KeyPair {
  readonly signing: SigningKey
  readonly verify: VerifyKey
}

export function newKeys(kind: 'ed25519' | 'ecdsa-p256' = 'ecdsa-p256'): KeyPair {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signing = parseSigningKey(
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'a test key',
  )
  return { signing, verify: publicHalf(signing) }
}

/** Attaches an attestation and lists it, as the execution of a plan does. */
export async function attachAndList(
  store: TargetRepository,
  attestation: Attestation,
  call: Call,
): Promise<PutStatement> {
  const attached = await attachAttestation(store, attestation, call)
  const entries = attached.unlisted.map(({ entry }) => entry)
  if (entries.length > 0) await store.addToFallbackTag(attestation.subject.digest, entries, call)
  return attached
}

/** The promotion of `api:1.4.2` from staging to prod, with the fields of `over`. */
export function promotionOf(digest: string, over: Partial<Promotion> = {}): Promotion {
  return {
    digest: parseDigest(digest),
    from: { environment: 'staging', repository: parseRepository('registry.test/staging/api'), tag: '1.4.2' },
    to: { environment: 'prod', repository: parseRepository('registry.test/prod/api') },
    tags: [{ tag: '1.4.2', before: null }],
    actor: {
      user: 'ada',
      host: 'runner-1',
      ci: { service: 'github', user: 'ada', run: 'https://ci.test/runs/7', job: 'release', commit: 'c0ffee' },
    },
    reason: 'release 1.4.2',
    ticket: 'OPS-7',
    run: 'run-7',
    plan: digestOf('a plan'),
    policy: digestOf('a policy'),
    evidence: [digestOf('an SBOM')],
    plannedAt: '2026-03-04T05:06:07.000Z',
    time: '2026-03-04T05:07:08.000Z',
    tool: '0.1.0',
    ...over,
  }
}

/** The attestation of a promotion as content that a test can push without dray. */
export function attestationContent(
  subject: Content,
  promotion: Promotion = promotionOf(subject.root.digest),
  key?: SigningKey,
): Content {
  const { manifest, blob } = attestationArtifact({
    promotion,
    subject: parseDescriptor(subject.root, 'the subject'),
    ...(key && { key }),
  })
  return {
    root: manifest.descriptor,
    blobs: new Map([[blob.descriptor.digest, blob.bytes]]),
    manifests: [{ ...manifest, subject: subject.root.digest }],
  }
}

/** A referrer of `subject` with the type of a promotion attestation and any payload. */
export function claimedAttestation(
  subject: Content,
  payload: Uint8Array | string,
  mediaType: string = 'application/vnd.dev.sigstore.bundle.v0.3+json',
): Content {
  const annotations = { 'dev.sigstore.bundle.predicateType': 'urn:dray:promotion:v1' }
  const made = referrer(subject, { artifactType: mediaType, payload: '{}', annotations })
  const [manifest] = made.manifests
  if (manifest === undefined) throw new Error('a referrer has a manifest')
  const bytes = Buffer.from(payload)
  const body = JSON.parse(Buffer.from(manifest.bytes).toString()) as Record<string, unknown>
  const layers = [{ mediaType, digest: sha256(bytes), size: bytes.byteLength }]
  const changed = Buffer.from(JSON.stringify({ ...body, layers }))
  const descriptor = {
    mediaType: types.manifest,
    digest: sha256(changed),
    size: changed.byteLength,
    artifactType: mediaType,
    annotations,
  }
  return {
    root: descriptor,
    blobs: new Map([...made.blobs, [sha256(bytes), bytes]]),
    manifests: [{ bytes: changed, descriptor, subject: subject.root.digest }],
  }
}
