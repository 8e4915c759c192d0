import type { GateEvidence } from '../../plan/gates/gate-result.ts'
import { formatIdentity, type VerifiedSigner } from '../../signing/trust/verdict.ts'
import type { AttachedEvidence, JudgedImage } from '../evidence.ts'
import { rootSignatures } from './countable-evidence.ts'
import { formatMinute } from './format-time.ts'
import { shortDigest } from './judge-subjects.ts'

/** Returns the signers of an attached artifact that a gate accepts. */
export function acceptedSigners(
  { signers }: AttachedEvidence,
  signedBy: readonly string[],
): readonly VerifiedSigner[] {
  return signers.filter(({ signer }) => signedBy.includes(signer))
}

/**
 * Returns how many different signers signed: the most of which each has an identity of its own. Two
 * keys of one signer count once, and so does one key of two signers.
 */
export function countSigners(signers: readonly Pick<VerifiedSigner, 'signer' | 'identity'>[]): number {
  const byName = Map.groupBy(signers, ({ signer }) => signer)
  const owners = new Map<string, string>()
  // Kuhn's algorithm: a signer takes a free identity, or one whose owner can take another.
  const assign = (name: string, tried: Set<string>): boolean =>
    (byName.get(name) ?? []).some(({ identity }) => {
      const own = formatIdentity(identity)
      if (tried.has(own)) return false
      tried.add(own)
      const owner = owners.get(own)
      if (owner !== undefined && !assign(owner, tried)) return false
      owners.set(own, name)
      return true
    })
  return [...byName.keys()].filter((name) => assign(name, new Set())).length
}

/**
 * Returns when fewer than `count` signers remain, because their keys expire; undefined if that
 * never happens.
 */
export function signersValidUntil(signers: readonly VerifiedSigner[], count: number): number | undefined {
  const ends = [...new Set(signers.map(({ expiresAt }) => expiresAt ?? Number.POSITIVE_INFINITY))]
  const end = ends
    .sort((a, b) => a - b)
    .find((time) => {
      const remaining = signers.filter(({ expiresAt }) => (expiresAt ?? Number.POSITIVE_INFINITY) > time)
      return countSigners(remaining) < count
    })
  return end === undefined || end === Number.POSITIVE_INFINITY ? undefined : end
}

/**
 * Names signers for a person, in the order of the text and not in that of the registry:
 * `acme/api release.yml@refs/tags/v1.4.2, logged 2026-11-24 10:02`.
 */
export function describeSigners(signers: readonly VerifiedSigner[]): string {
  return [...new Set(signers.map(describeSigner))].toSorted().join('; ')
}

function describeSigner({ signer, identity, time }: VerifiedSigner): string {
  const logged = time === undefined ? '' : `, logged ${formatMinute(time)}`
  if (identity.kind === 'key') return `${signer} (key ${identity.fingerprint.slice(0, 19)})${logged}`
  return `${shortenWorkflow(identity.subject)}${logged}`
}

/** The certificate of a GitHub workflow has its URL as subject. */
function shortenWorkflow(subject: string): string {
  const [, repository, file] =
    /^https:\/\/[^/]+\/([^/]+\/[^/]+)\/\.github\/workflows\/(.+)$/s.exec(subject) ?? []
  return repository === undefined ? subject : `${repository} ${file}`
}

/**
 * Lists an attached artifact in a result, once for each signer. For an attestation of buildx, lists
 * the signatures on the index too, because the result depends on them.
 */
export function evidenceBy(
  image: JudgedImage,
  evidence: AttachedEvidence,
  signers: readonly VerifiedSigner[],
  time?: number,
): readonly GateEvidence[] {
  const itself = listed(evidence, signers, time)
  if (evidence.layout !== 'buildx') return itself
  const names = new Set(signers.map(({ signer }) => signer))
  const covering = rootSignatures(image).map((one) => ({
    one,
    by: one.signers.filter(({ signer }) => names.has(signer)),
  }))
  return [...itself, ...covering.flatMap(({ one, by }) => (by.length === 0 ? [] : listed(one, by)))]
}

function listed(
  { artifact }: AttachedEvidence,
  signers: readonly VerifiedSigner[],
  time?: number,
): readonly GateEvidence[] {
  if (signers.length === 0) return [{ digest: artifact, ...timeOf(time) }]
  return signers.map((one) => ({
    digest: artifact,
    signer: formatIdentity(one.identity),
    ...timeOf(time ?? one.time),
  }))
}

function timeOf(time: number | undefined): Pick<GateEvidence, 'time'> {
  return time === undefined ? {} : { time: new Date(time).toISOString() }
}

/**
 * Returns why an attached artifact does not count for a gate that accepts only `signedBy`, although
 * it may be authentic.
 */
export function whyNotAccepted(evidence: AttachedEvidence, signedBy: readonly string[]): string {
  const names = [...new Set(evidence.signers.map(({ signer }) => signer))]
  if (names.length > 0)
    return `it is signed by ${names.join(', ')}, and the gate accepts ${signedBy.join(', ')}`
  if (evidence.problems.length > 0) return evidence.problems.join('; ')
  return 'it is not signed by a known signer'
}

/** Says how many attached artifacts do not count. Warnings say why. */
export function countOthers(count: number): string {
  return count === 1 ? 'one that is attached does not count' : `${count} that are attached do not count`
}

/** Names an attached artifact: `signature sha256:0123456789ab`. */
export function nameArtifact(kind: string, { artifact }: AttachedEvidence): string {
  return `${kind} ${shortDigest(artifact)}`
}
