import type { Call } from '../../lib/call.ts'
import { isDrayError } from '../../lib/errors.ts'
import { artifactTypeOf, parseManifest } from '../../oci/manifest.ts'
import { isArtifactManifestType } from '../../oci/media-types.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { AttachStep } from '../../plan/plan.ts'
import type { ManifestReader } from '../../images/ports.ts'

/**
 * The statuses of a registry that does not accept a kind of artifact. 405 is the answer of ECR
 * (github.com/aws/containers-roadmap/issues/2783), and 403 may have this reason too.
 */
const refusals: ReadonlySet<number> = new Set([400, 403, 405, 406, 413, 415, 422, 501])

/**
 * If the target refused an attached artifact, returns an error that names the type of the artifact
 * and the option that copies the image without it. Returns any other error unchanged.
 */
export async function explainRefusedArtifact(
  error: unknown,
  step: AttachStep,
  source: ManifestReader,
  call: Call,
): Promise<unknown> {
  if (!isDrayError(error) || error.status === undefined || !refusals.has(error.status)) return error
  const { to, manifest, tag } = step
  const repository = formatRepository(to)
  // The refusal to move a tag has another reason, and so has a failure of the source.
  const isOfTarget = error.subject?.startsWith(`${repository}@`) || error.subject === `${repository}:${tag}`
  if (error.code === 'refused' || !isOfTarget) return error
  const type = await findArtifactType(step, source, call)
  const withdrawn = `its manifest has the withdrawn type ${manifest.mediaType}`
  const reasons = [error.why ?? [], isArtifactManifestType(manifest.mediaType) ? withdrawn : []].flat()
  const option = 'To copy the image without its attached artifacts, pass --no-evidence.'
  return error.with({
    message: `${repository} does not accept an attached artifact of the type ${type}`,
    why: reasons.length === 0 ? undefined : reasons.join('; '),
    hint: error.status === 403 && error.hint !== undefined ? `${error.hint} ${option}` : option,
  })
}

/** The manifest was read for the copy, so that this takes no request. */
async function findArtifactType(
  { manifest }: AttachStep,
  source: ManifestReader,
  call: Call,
): Promise<string> {
  const { mediaType } = manifest
  try {
    const { bytes } = await source.manifest(manifest, call)
    return artifactTypeOf(parseManifest(bytes, mediaType, manifest.digest)) ?? mediaType
  } catch {
    return mediaType
  }
}
