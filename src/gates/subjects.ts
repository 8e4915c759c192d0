import type { GateDefinition } from '../config/gates/gate.ts'
import type { JudgedImage, JudgedSubject } from './evidence.ts'

/** The platform of the entries that buildx adds to an index for its attestations. */
const noPlatform = 'unknown/unknown'

/**
 * Returns the manifests that a gate applies to (docs/gates.md, Multi-platform images). The list is
 * empty for a gate about the platform images of an artifact without platforms: then the gate fails.
 */
export function subjectsOf({ appliesTo }: GateDefinition, image: JudgedImage): readonly JudgedSubject[] {
  if (appliesTo === 'image') return [image.root]
  const platforms = platformsOf(image)
  if (appliesTo === 'platforms') return platforms
  return [image.root, ...platforms.filter(({ digest }) => digest !== image.root.digest)]
}

/** Returns the platform images, without the entries of buildx for attestations. */
export function platformsOf({ platforms }: JudgedImage): readonly JudgedSubject[] {
  return platforms.filter(({ platform }) => platform !== noPlatform)
}
