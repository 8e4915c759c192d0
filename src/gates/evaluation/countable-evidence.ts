import { formatDay } from '../../lib/day.ts'
import type { TrustedKey } from '../../signing/trust/signer.ts'
import type { VerifiedSigner } from '../../signing/trust/verdict.ts'
import type { AttachedEvidence, JudgedImage } from '../evidence.ts'
import type { GateTrust } from '../gate-trust.ts'

/**
 * Returns the image with the signers that count at a time: none whose key has expired, and for an
 * attestation of buildx also the signers of the index, because a signature on an index covers the
 * manifests that it lists.
 * @param now milliseconds since 1970, by the clock that is ahead
 */
export function withCountableSigners(image: JudgedImage, trust: GateTrust, now: number): JudgedImage {
  const keys = keysOf(trust)
  const current = image.evidence.map((evidence) => withoutExpiredKeys(evidence, keys, now))
  const ofRoot = rootSignatures({ ...image, evidence: current }).flatMap(({ signers }) => signers)
  return {
    ...image,
    evidence: current.map((evidence) =>
      evidence.layout === 'buildx'
        ? { ...evidence, signers: withoutRepeats([...evidence.signers, ...ofRoot]) }
        : evidence,
    ),
  }
}

/** By the name of the signer and the fingerprint. */
function keysOf({ signers, approvers }: GateTrust): ReadonlyMap<string, TrustedKey> {
  const all = [...signers.values(), ...[...approvers.values()].flat().map(({ signer }) => signer)]
  return new Map(all.flatMap(({ name, keys }) => keys.map((key) => [`${name} ${key.fingerprint}`, key])))
}

function withoutExpiredKeys(
  evidence: AttachedEvidence,
  keys: ReadonlyMap<string, TrustedKey>,
  now: number,
): AttachedEvidence {
  const problems: string[] = []
  const signers = evidence.signers.flatMap((signer) => {
    const { identity } = signer
    if (identity.kind !== 'key') return [signer]
    const { expiresAt } = keys.get(`${signer.signer} ${identity.fingerprint}`) ?? {}
    if (expiresAt === undefined) return [signer]
    if (now < expiresAt) return [{ ...signer, expiresAt }]
    problems.push(
      `the key ${identity.fingerprint} of ${signer.signer} expired on ${formatDay(expiresAt - 1)}`,
    )
    return []
  })
  return { ...evidence, signers, problems: [...evidence.problems, ...problems] }
}

/** Returns the signatures on the image as a whole, which cover the manifests that it lists. */
export function rootSignatures({ evidence, root }: JudgedImage): readonly AttachedEvidence[] {
  return evidence.filter(
    ({ attachedTo, content }) =>
      attachedTo === root.digest && content.kind === 'signature' && content.digests.includes(root.digest),
  )
}

function withoutRepeats(signers: readonly VerifiedSigner[]): readonly VerifiedSigner[] {
  return [...new Map(signers.map((one) => [`${one.signer} ${JSON.stringify(one.identity)}`, one])).values()]
}
