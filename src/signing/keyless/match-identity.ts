import type { CertificateNames } from './certificate-names.ts'
import type { ClaimName } from './fulcio-claims.ts'
import { matchesSubject } from './match-subject.ts'
import type { KeylessTrust } from '../trust/signer.ts'

/**
 * Compares a verified identity with the settings of a signer: the whole subject, the exact issuer
 * and exact claims. Returns why they differ, or undefined if they match.
 */
export function identityMismatch(
  names: CertificateNames,
  { issuer, subject, subjectRegExp, claims }: Omit<KeylessTrust, 'roots' | 'file' | 'transparencyLog'>,
  image: string,
): string | undefined {
  if (names.issuer !== issuer) return `the issuer is not ${issuer}`
  if (subject === undefined && subjectRegExp === undefined) return 'the configuration has no subject'
  if (subject !== undefined && !matchesSubject(subject, image, names.subject))
    return `the subject does not match ${subject.replaceAll('{image}', image)}`
  if (subjectRegExp !== undefined && subjectRegExp.match(names.subject) === undefined)
    return `the subject does not match ${subjectRegExp.source}`
  const other = (Object.keys(claims) as ClaimName[]).find((name) => names.claims[name] !== claims[name])
  return other === undefined ? undefined : `the claim ${other} is not ${JSON.stringify(claims[other])}`
}
