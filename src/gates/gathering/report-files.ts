import type { Digest } from '../../oci/digest.ts'
import type { AttachedEvidence } from '../evidence.ts'
import type { ReportFile } from '../gate-request.ts'
import { whyTooLarge } from './limits.ts'

/** A report file as unsigned evidence. The gate decides whether it is about the image. */
export function evidenceOfFile({ bytes, sha256, asserted }: ReportFile, root: Digest): AttachedEvidence {
  const reason = whyTooLarge(bytes.byteLength)
  return {
    artifact: sha256,
    attachedTo: asserted ?? root,
    layout: 'reportFile',
    signers: [],
    problems: [],
    content:
      reason === undefined
        ? { kind: 'document', mediaType: 'application/json', bytes }
        : { kind: 'unreadable', reason, isDamaged: true },
    ...(asserted !== undefined && { assertedDigest: asserted }),
  }
}
