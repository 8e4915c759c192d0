import type { Call } from '../../../lib/call.ts'
import { readingIn } from '../../../config/settings/version-reading.ts'
import type { EditedImage, EditPlan } from '../../../plan/edits/edit-step.ts'
import {
  compareVersions,
  findHighestTag,
  parseVersionTag,
  type Version,
  versionTagsIn,
} from '../../../semver/version.ts'
import type { PlannedChange } from '../../changes/operation.ts'
import type { PlacementTypes } from '../../changes/placement-types.ts'
import { withEdits } from '../../gitops/add-edits.ts'
import type { EditFlags } from '../../gitops/git-request.ts'
import type { Context } from '../../wiring/context.ts'

/**
 * Adds the edits of deployment files to the promotion of an event: those of the highest version, if
 * the files do not have a higher one. No person has named the version: a fix of an older line must
 * not replace what is deployed. @throws as `withEdits`.
 */
export async function withForwardEdits(
  change: PlannedChange<PlacementTypes>,
  flags: EditFlags,
  context: Context,
  call: Call,
): Promise<PlannedChange<PlacementTypes>> {
  const { config } = await context.config()
  const versionOf = ({ environment, image }: EditedImage, tag: string): Version | undefined =>
    parseVersionTag(tag, readingIn(config, environment, image))?.version
  const highestOf = (images: readonly EditedImage[]): readonly EditedImage[] => {
    const [first] = images
    if (first === undefined) return []
    const tags = images.flatMap(({ tag }) => tag ?? [])
    const highest = findHighestTag(versionTagsIn(tags, readingIn(config, first.environment, first.image)))
    return [images.find(({ tag }) => tag !== undefined && tag === highest?.tag) ?? first]
  }
  const edited = await withEdits(change, flags, context, call, highestOf)
  const edits = 'edits' in edited.plan ? (edited.plan.edits as EditPlan) : undefined
  const higher = higherTagIn(edits, versionOf)
  if (higher === undefined) return edited
  call.notify({
    kind: 'warning',
    text: `${higher.file} has ${higher.before}, which is higher than ${higher.after}: dray does not edit the deployment files`,
  })
  return change
}

interface HigherTag {
  readonly file: string
  readonly before: string
  readonly after: string
}

function higherTagIn(
  edits: EditPlan | undefined,
  versionOf: (image: EditedImage, tag: string) => Version | undefined,
): HigherTag | undefined {
  for (const { file, edits: values, images } of edits?.steps ?? []) {
    const [image] = images
    if (image === undefined) continue
    for (const value of values) {
      const [before, after] = [tagIn(value.before ?? ''), tagIn(value.after)]
      const [old, next] = [versionOf(image, before), versionOf(image, after)]
      if (old !== undefined && next !== undefined && compareVersions(old, next) > 0)
        return { file, before, after }
    }
  }
  return undefined
}

/** The tag in `HOST/PATH:TAG@DIGEST`, in `TAG@DIGEST`, or the text itself. */
function tagIn(text: string): string {
  const [name = ''] = text.split('@', 1)
  return name.slice(name.lastIndexOf(':') + 1)
}
