import { X509Certificate } from 'node:crypto'
import { DrayError } from '../../lib/errors.ts'
import { Fields } from '../../oci/fields.ts'
import { parseJson } from '../../oci/json.ts'
import type { CertificateProof } from './certificate-proof.ts'

/** Annotations of layers in `.sig` and `.att` manifests (cosign, specs/SIGNATURE_SPEC.md). */
export const cosignAnnotations = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const

/** The version whose log entries need no inclusion proof, because annotations have none. */
const convertedMediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.1'

/**
 * Converts the annotations of a layer to the verification material of a bundle v0.1; undefined if
 * they contain no certificate. @throws `malformed`, naming `where`.
 */
export function proofOf(
  annotations: Readonly<Record<string, string>>,
  where: string,
): CertificateProof | undefined {
  const pem = annotations[cosignAnnotations.certificate]
  if (pem === undefined || pem === '') return undefined
  const certificate = parseCertificate(pem, where)
  const log = annotations[cosignAnnotations.bundle]
  const timestamp = annotations[cosignAnnotations.timestamp]
  return {
    certificate,
    mediaType: convertedMediaType,
    material: {
      x509CertificateChain: { certificates: [{ rawBytes: certificate.raw.toString('base64') }] },
      tlogEntries: log === undefined ? [] : [logEntryOf(log, where)],
      timestampVerificationData: {
        rfc3161Timestamps:
          timestamp === undefined
            ? []
            : [{ signedTimestamp: timestampOf(timestamp, where).toString('base64') }],
      },
    },
  }
}

function parseCertificate(pem: string, where: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new DrayError('malformed', `${where}: cannot parse the certificate`, { cause })
  }
}

/** Rekor's signed entry timestamp, as cosign stores it (sigstore, cosign, pkg/cosign/bundle). */
function logEntryOf(text: string, where: string): Readonly<Record<string, unknown>> {
  const what = `${where}: the log entry`
  const bundle = Fields.of(parseJson(text, what), what)
  const payload = bundle.object('Payload')
  const body = payload.bytes('body')
  const { kind, apiVersion } = Fields.of(parseJson(body, what), what).texts('kind', 'apiVersion')
  return {
    logIndex: integerOf(payload, 'logIndex', what),
    logId: { keyId: Buffer.from(payload.text('logID'), 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: integerOf(payload, 'integratedTime', what),
    inclusionPromise: { signedEntryTimestamp: bundle.bytes('SignedEntryTimestamp').toString('base64') },
    canonicalizedBody: body.toString('base64'),
  }
}

function integerOf(fields: Fields, name: string, where: string): string {
  const value = fields.value(name)
  if (!Number.isSafeInteger(value)) throw new DrayError('malformed', `${where}.${name} is not a whole number`)
  return String(value)
}

function timestampOf(text: string, where: string): Buffer {
  const what = `${where}: the timestamp`
  return Fields.of(parseJson(text, what), what).bytes('SignedRFC3161Timestamp')
}
