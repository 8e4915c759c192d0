import { addImage, byOf, inside, isMapping, type References, type Spot } from './found.ts'
import { nameOf } from './kustomize.ts'
import { ifReference, isConfigId } from './used-images.ts'

/** `containerStatuses` of a pod and the two lists beside it. */
const statusKey = /^(?:c|initC|ephemeralC)ontainerStatuses$/

/**
 * Adds what a pod says that it runs: the digest of `imageID`, in the repository that this names and in that of `image`, for a runtime may name another
 * repository with the same content. The rest of a status is gone through by `walk`, and what is no reference there is none. Pure.
 */
export function addStatus(
  found: References,
  status: unknown,
  outer: Spot,
  walk: (value: unknown, spot: Spot) => void,
): void {
  const spot = { ...outer, isLoose: true }
  if (!isMapping(status)) return
  for (const [key, value] of Object.entries(status)) {
    const at = inside(spot, key)
    if (!statusKey.test(key) || !Array.isArray(value)) walk(value, at)
    else for (const [i, entry] of value.entries()) addContainer(found, entry, inside(at, i))
  }
}

function addContainer(found: References, entry: unknown, spot: Spot): void {
  if (!isMapping(entry)) return
  const { image, imageID } = entry
  const repository =
    typeof image === 'string' && !isConfigId(image) ? ifReference({ text: image, by: byOf(spot) }) : undefined
  if (typeof image === 'string' && repository !== undefined) addImage(found, image, inside(spot, 'image'))
  if (typeof imageID !== 'string') return
  const id = imageID.replace(/^[a-z-]+:\/\//, '')
  // of a config: the digest of no manifest
  if (id === '' || isConfigId(id)) return
  addImage(found, id, inside(spot, 'imageID'))
  const digest = id.split('@')[1]
  if (repository === undefined || digest === undefined || typeof image !== 'string') return
  addImage(found, `${nameOf(image)}@${digest}`, inside(spot, 'imageID'))
}
