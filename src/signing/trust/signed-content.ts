import { DrayError } from '../../lib/errors.ts'
import { signaturePredicate } from '../../oci/evidence-kind.ts'
import { Fields } from '../../oci/fields.ts'
import { isRecord, parseJson } from '../../oci/json.ts'
import type { Envelope } from '../dsse.ts'
import { maxEvidenceDepth, maxEvidenceSize, parseStatement, statementMediaType } from '../statement.ts'
import type { SignedContent } from './verdict.ts'

/** The `critical.type` of cosign's payloads (sigstore, cosign, SIGNATURE_SPEC.md). */
const simpleSigningType = 'cosign container image signature'

/**
 * Parses the statement in an envelope: a signature or an attestation, by its predicate type.
 * @throws `malformed` or `unsupported`, naming `where`.
 */
export function contentOf({ payloadType, payload }: Envelope, where: string): SignedContent {
  if (payloadType !== statementMediaType) {
    throw new DrayError('unsupported', `${where} contains no in-toto statement`, {
      why: `its type is ${payloadType}`,
    })
  }
  const { subjects, annotations, predicateType, predicate } = parseStatement(payload, where)
  return predicateType === signaturePredicate
    ? { kind: 'signature', digests: subjects, annotations }
    : { kind: 'statement', predicateType, digests: subjects, predicate }
}

/**
 * Parses the payload of a simple signature. `docker-reference` is ignored, because it names the
 * repository in which the image was signed. @throws `malformed` or `unsupported`, naming `where`.
 */
export function parseSimpleSigning(payload: Uint8Array, where: string): SignedContent {
  if (payload.byteLength > maxEvidenceSize)
    throw new DrayError('malformed', `${where} is larger than ${maxEvidenceSize} bytes`)
  const body = Fields.of(parseJson(payload, where, maxEvidenceDepth), where)
  const critical = body.object('critical')
  const type = critical.text('type')
  if (type !== simpleSigningType)
    throw new DrayError('unsupported', `${where} is not a signature of cosign`, {
      why: `its type is ${type}`,
    })
  return {
    kind: 'signature',
    digests: [critical.object('image').digest('docker-manifest-digest')],
    annotations: textsOf(body.value('optional')),
  }
}

/** cosign writes numbers too, such as the time of the signature. Only texts are compared. */
function textsOf(value: unknown): Readonly<Record<string, string>> {
  const entries = isRecord(value) ? Object.entries(value) : []
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
