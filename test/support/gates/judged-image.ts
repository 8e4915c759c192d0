import type { GateDefinition } from '../../../src/config/gates/gate.ts'
import type { AttachedEvidence, JudgedImage, JudgedSubject } from '../../../src/gates/evidence.ts'
import { evaluateGates } from '../../../src/gates/evaluate.ts'
import type { GateTrust } from '../../../src/gates/gate-trust.ts'
import type { EvaluationContext } from '../../../src/gates/kind-result.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import type { TrustedKey } from '../../../src/signing/trust/signer.ts'
import type { VerifiedSigner } from '../../../src/signing/trust/verdict.ts'

/** The time of every evaluation, unless a test gives another. */
export const now = Date.parse('2026-11-25T12:00:00Z')
export const hour = 3_600_000
export const day = 24 * hour

/** A digest with a name, the same in each test. */
export function digest(name: string): Digest {
  return digestOf(name)
}

/** The digests of the image: an index and its platform images. */
export const index = digest('index')
export const amd64 = digest('linux/amd64')
export const arm64 = digest('linux/arm64')
export const elsewhere = digest('another image')

export function platformImage(platform: string): JudgedSubject {
  return { digest: digest(platform), platform, config: digest(`config of ${platform}`) }
}

/** An index with two platform images, or with those given, and its attached artifacts. */
export function judgedImage(
  evidence: readonly AttachedEvidence[] = [],
  changes: Partial<JudgedImage> = {},
): JudgedImage {
  return {
    image: 'api',
    tag: '1.4.2',
    root: { digest: index },
    platforms: [platformImage('linux/amd64'), platformImage('linux/arm64')],
    annotations: {},
    size: 1000,
    source: { registry: 'registry.example.com', path: 'staging/api' },
    evidence,
    attached: new Set(evidence.map(({ artifact }) => artifact)),
    isCurrentIn: new Map(),
    ...changes,
  }
}

/** An image for one platform, without an index. */
export function singleImage(
  evidence: readonly AttachedEvidence[] = [],
  changes: Partial<JudgedImage> = {},
): JudgedImage {
  const root = platformImage('linux/amd64')
  return judgedImage(evidence, { root, platforms: [root], ...changes })
}

/** How an attached artifact of a test was signed and to what it is attached. */
export interface Attached {
  /** names of signers; `build#2` is the second key of `build` */
  readonly by?: readonly string[]
  /** the manifest that it is attached to; the index by default */
  readonly to?: Digest
  /** the digests in the signed content; by default the manifest that it is attached to */
  readonly about?: readonly Digest[]
  /** the verified time of the signature */
  readonly signedAt?: number
  readonly layout?: AttachedEvidence['layout']
  readonly problems?: readonly string[]
  /** makes the digest of the artifact different */
  readonly name?: string
}

function attached(
  { by = ['build'], to = index, signedAt, layout = 'bundle', problems = [], name = '' }: Attached,
  content: AttachedEvidence['content'],
): AttachedEvidence {
  const signers = by.map((one) => verifiedSigner(one, signedAt))
  const text = content.kind === 'document' ? new TextDecoder().decode(content.bytes) : JSON.stringify(content)
  const artifact = digestOf(JSON.stringify([by, to, signedAt, layout, name]) + text)
  return { artifact, attachedTo: to, layout, signers, problems, content }
}

/** `build` is the signer of a key; `keyless` has a certificate. */
function verifiedSigner(name: string, time?: number): VerifiedSigner {
  const [signer = ''] = name.split('#')
  return {
    signer,
    identity:
      signer === 'keyless'
        ? {
            kind: 'certificate',
            subject: 'https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v1.4.2',
            issuer: 'https://token.actions.githubusercontent.com',
          }
        : { kind: 'key', fingerprint: digest(name) },
    ...(time !== undefined && { time }),
  }
}

export function signature(
  options: Attached & { readonly annotations?: Readonly<Record<string, string>> } = {},
): AttachedEvidence {
  const { to = index, about = [to], annotations = {} } = options
  return attached(options, { kind: 'signature', digests: about, annotations })
}

export function statement(
  predicateType: string,
  predicate: unknown,
  options: Attached = {},
): AttachedEvidence {
  const { to = index, about = [to] } = options
  return attached(options, { kind: 'statement', predicateType, digests: about, predicate })
}

/** A report of `--scan-report`. */
export function reportFile(content: string | object, assertedDigest?: Digest): AttachedEvidence {
  const file = attachedDocument('application/json', content, {
    layout: 'reportFile',
    to: assertedDigest ?? index,
  })
  return assertedDigest === undefined ? file : { ...file, assertedDigest }
}

/** A file that is attached without a statement. */
export function attachedDocument(
  mediaType: string,
  content: string | object,
  options: Attached = {},
): AttachedEvidence {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
  return attached({ layout: 'plain', by: [], ...options }, { kind: 'document', mediaType, bytes })
}

export function unreadable(
  reason: string,
  {
    predicateType,
    isDamaged,
    ...options
  }: Attached & { readonly predicateType?: string; readonly isDamaged?: true } = {},
): AttachedEvidence {
  return attached(options, {
    kind: 'unreadable',
    reason,
    ...(isDamaged === true && { isDamaged }),
    ...(predicateType !== undefined && { predicateType }),
  })
}

/** Names of the signers that tests use; each has two keys. */
const signerNames = ['build', 'release', 'scanner', 'security', 'promotions', 'stranger']

/** @param expiry when keys end, by the name that `Attached.by` has */
export function gateTrust(expiry: Readonly<Record<string, number>> = {}): GateTrust {
  const keyOf = (name: string): TrustedKey => ({
    fingerprint: digest(name),
    file: `${name}.pub`,
    publicKeyPem: '',
    verify: () => false,
    ...(expiry[name] !== undefined && { expiresAt: expiry[name] }),
  })
  const signers = signerNames.map((name) => ({ name, keys: [keyOf(name), keyOf(`${name}#2`)] }))
  return {
    signers: new Map([...signers, { name: 'keyless', keys: [] }].map((one) => [one.name, one])),
    approvers: new Map(),
    definitionHash: (gate) => digestOf(JSON.stringify({ ...gate, path: [] })),
  }
}

export interface EvaluationOptions extends Partial<EvaluationContext> {
  readonly overrides?: Readonly<Record<string, string>>
  readonly trust?: GateTrust
}

/** A promotion of `api` from staging to prod by ada. */
export function evaluationContext(changes: Partial<EvaluationContext> = {}): EvaluationContext {
  return {
    now,
    operation: 'promote',
    from: { environment: 'staging', repository: judgedImage().source, tag: '1.4.2' },
    to: { environment: 'prod', repository: { registry: 'eu.registry.example.com', path: 'prod/api' } },
    actors: ['github:ada'],
    approvers: new Map(),
    environmentsOf: ({ path }) => [path.split('/')[0] ?? ''],
    ...changes,
  }
}

/** Evaluates gates of the environment prod for a promotion of `api`. */
export function evaluateAll(
  gates: readonly GateDefinition[],
  image: JudgedImage,
  { overrides = {}, trust = gateTrust(), ...changes }: EvaluationOptions = {},
): readonly GateResult[] {
  const context = evaluationContext({ approvers: trust.approvers, ...changes })
  const { from, to, operation } = context
  const root = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: image.root.digest, size: 1 }
  const applicable = gates.map((gate) => ({ gate, image: image.image }))
  const request = { root, from, to, operation, gates: applicable }
  return evaluateGates(request, image, context, trust, new Map(Object.entries(overrides)))
}

/** Evaluates one gate. */
export function evaluate(gate: GateDefinition, image: JudgedImage, options?: EvaluationOptions): GateResult {
  const [result] = evaluateAll([gate], image, options)
  if (result === undefined) throw new Error('no result')
  return result
}
