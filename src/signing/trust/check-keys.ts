import { formatDay } from '../../lib/day.ts'
import type { SignedBytes } from './signed-bytes.ts'
import type { TrustedKey, TrustedSigner } from './signer.ts'
import type { SignatureVerdict, VerifiedSigner, VerifyContext } from './verdict.ts'

/** The verdict about signatures, without their content. */
export type SignerVerdict = Pick<SignatureVerdict, 'signers' | 'problems'>

/**
 * Checks signatures with the keys of all signers. Entries of a transparency log beside them prove
 * nothing about a key and are ignored.
 */
export function checkKeys(
  { bytes, signatures }: SignedBytes,
  where: string,
  { signers, now }: VerifyContext,
): SignerVerdict {
  if (signers.every(({ keys }) => keys.length === 0))
    return { signers: [], problems: [`${where} is signed with a key, and no signer has one`] }
  const found = signatures.map((signature) => madeBy(bytes, signature, signers))
  const verified = found.map((matches) => matches.filter(({ key }) => !isExpired(key, now)))
  return {
    signers: eachOnce(verified.flat()),
    problems: found.flatMap((matches, i) => (verified[i]?.length === 0 ? [problemOf(matches, where)] : [])),
  }
}

interface KeyMatch {
  readonly signer: TrustedSigner
  readonly key: TrustedKey
}

/** Several signers can have the same key. */
function madeBy(
  bytes: Uint8Array,
  signature: Uint8Array,
  signers: readonly TrustedSigner[],
): readonly KeyMatch[] {
  return signers.flatMap((signer) =>
    signer.keys.flatMap((key) => (key.verify(bytes, signature) ? [{ signer, key }] : [])),
  )
}

function isExpired({ expiresAt }: TrustedKey, now: number): boolean {
  return expiresAt !== undefined && now >= expiresAt
}

/** Two keys of one signer count once. */
function eachOnce(matches: readonly KeyMatch[]): readonly VerifiedSigner[] {
  const byName = new Map(matches.toReversed().map((match) => [match.signer.name, match]))
  return [...byName.values()].toReversed().map(({ signer, key }) => ({
    signer: signer.name,
    identity: { kind: 'key', fingerprint: key.fingerprint },
  }))
}

function problemOf([match]: readonly KeyMatch[], where: string): string {
  if (match === undefined) return `${where} is signed by a key that no signer has, or its content was changed`
  const { signer, key } = match
  const lastDay = formatDay((key.expiresAt ?? 0) - 1)
  return `${where} is signed by a key of ${signer.name} that expired after ${lastDay} (${key.file})`
}
