import { joinFirst } from '../../lib/join-first.ts'
import type { CertificateProof } from './certificate-proof.ts'
import type { SignerVerdict } from '../trust/check-keys.ts'
import { identityMismatch } from './match-identity.ts'
import type { SignedBytes } from '../trust/signed-bytes.ts'
import type { KeylessTrust } from '../trust/signer.ts'
import { updateCommand } from './trusted-root.ts'
import type { VerifyContext } from '../trust/verdict.ts'
import type { CertificateFailure, VerifiedCertificate } from './verify-certificate.ts'

/**
 * Checks a signature with a certificate for all keyless signers. A key is never compared with the
 * key in a certificate. @throws `malformed` for a proof that cannot be parsed.
 */
export async function checkCertificate(
  signed: SignedBytes,
  proof: CertificateProof,
  where: string,
  { signers, image }: VerifyContext,
): Promise<SignerVerdict> {
  const keyless = signers.flatMap(({ name, keyless: trust }) =>
    trust === undefined ? [] : [{ name, trust }],
  )
  if (keyless.length === 0)
    return { signers: [], problems: [`${where} is signed with a certificate, and no signer is keyless`] }
  const { readEntity, verifyCertificate } = await import('./verify-certificate.ts')
  const entity = readEntity(signed, proof, where)
  const results = new Map<string, CertificateResult>()
  const checked = keyless.map(({ name, trust }) => {
    const result = verifyAgainst(trust, results, (root) =>
      verifyCertificate(entity, root, trust.transparencyLog),
    )
    return { name, result, mismatch: mismatchOf(result, trust, image) }
  })
  const matching = checked.flatMap(({ name, result, mismatch }) =>
    mismatch === undefined && 'names' in result ? [{ name, ...result }] : [],
  )
  return {
    signers: matching.map(({ name, names: { subject, issuer }, time }) => ({
      signer: name,
      identity: { kind: 'certificate', subject, issuer },
      time,
    })),
    problems: matching.length > 0 ? [] : [problemOf(checked, where)],
  }
}

type CertificateResult = VerifiedCertificate | CertificateFailure
type Root = KeylessTrust['roots'][number]

/**
 * Uses each document alone: a CA of one document with a log of another proves nothing. Several
 * signers can have the same document.
 */
function verifyAgainst(
  { roots, transparencyLog, file }: KeylessTrust,
  results: Map<string, CertificateResult>,
  verify: (root: Root) => CertificateResult,
): CertificateResult {
  const failures: CertificateFailure[] = []
  for (const root of roots) {
    const id = `${transparencyLog} ${root.digest}`
    const result = results.get(id) ?? verify(root)
    results.set(id, result)
    if ('names' in result) return result
    failures.push(result)
  }
  // The reason of the document that knows the CA and the logs says more.
  const failure = failures.find(({ isUnknown }) => !isUnknown) ?? failures[0]
  if (failure === undefined) return { reason: `${file} has no trusted root`, isUnknown: true }
  const { reason, isUnknown } = failure
  return isUnknown
    ? { isUnknown, reason: `${reason} to ${file}; update the file: ${updateCommand(file)}` }
    : failure
}

function mismatchOf(result: CertificateResult, trust: KeylessTrust, image: string): string | undefined {
  return 'names' in result ? identityMismatch(result.names, trust, image) : result.reason
}

interface CheckedSigner {
  readonly name: string
  readonly result: CertificateResult
  readonly mismatch: string | undefined
}

function problemOf(checked: readonly CheckedSigner[], where: string): string {
  const reasons = new Set(
    checked.flatMap(({ name, result, mismatch = '' }) =>
      'names' in result ? `${name}: ${mismatch}` : mismatch,
    ),
  )
  const verified = checked.flatMap(({ result }) => ('names' in result ? [result.names] : []))[0]
  const how =
    verified === undefined
      ? 'with a certificate that does not verify'
      : `by ${verified.subject} (${verified.issuer}), which matches no signer`
  return `${where} is signed ${how}: ${joinFirst([...reasons], 3)}`
}
