import { joinFirst } from '../../lib/join-first.ts'
import { nearest } from '../../lib/nearest.ts'
import { checkPath } from '../../oci/reference.ts'
import { hasWildcard, includesGlob, matchesAnyGlob, matchesGlob } from '../../oci/tag-glob.ts'
import { maxCompared, maxListed } from '../check/unknown-name.ts'
import { findProblem } from '../check/find-problem.ts'
import type { Path } from '../key-path.ts'
import type { SectionContext } from '../sections/sections.ts'

/** Whether globs of image names select an image. `*` matches any characters. */
function selectsImage(
  {
    images,
    excludeImages,
  }: { readonly images: readonly string[]; readonly excludeImages: readonly string[] },
  image: string,
): boolean {
  return matchesAnyGlob(images, image) && !matchesAnyGlob(excludeImages, image)
}

/** Reports each glob that no name of an image can match. Returns whether all are valid. */
export function checkImageGlobs(
  globs: readonly string[] | undefined,
  path: Path,
  { report }: Pick<SectionContext, 'report'>,
): boolean {
  let isValid = true
  for (const [i, glob] of (globs ?? []).entries()) {
    if (findProblem(() => checkPath(glob.replaceAll(/[*?]+/g, 'a'))) === undefined) continue
    isValid = false
    report([...path, i], `${JSON.stringify(glob)} is not a glob of image names`)
  }
  return isValid
}

/** Reports the globs that match none of the images that the file lists. */
export function checkSelection(
  {
    images = ['*'],
    excludeImages = [],
  }: {
    readonly images?: readonly string[] | undefined
    readonly excludeImages?: readonly string[] | undefined
  },
  path: Path,
  { known, report }: SectionContext,
): void {
  const ofImages = checkImageGlobs(images, [...path, 'images'], { report })
  const ofExcluded = checkImageGlobs(excludeImages, [...path, 'excludeImages'], { report })
  if (!ofImages || !ofExcluded) return
  if (images.every((glob) => excludeImages.some((excluded) => includesGlob(excluded, glob)))) {
    report(path, 'the gate matches no image: `excludeImages` excludes all of them', 'value', true)
    return
  }
  if (known.images.length === 0) return
  let isReported = false
  for (const [i, glob] of images.entries()) {
    if (known.images.some((image) => matchesGlob(glob, image))) continue
    isReported = true
    report([...path, 'images', i], matchesNone(glob, known.images))
  }
  if (isReported || known.images.some((image) => selectsImage({ images, excludeImages }, image))) return
  report(path, 'the gate matches no image that `images` of the file lists', 'value', true)
}

function matchesNone(glob: string, images: readonly string[]): string {
  const near = hasWildcard(glob) ? undefined : nearest(glob, images.slice(0, maxCompared))
  const hint =
    near === undefined ? `known: ${joinFirst(images, maxListed)}` : `did you mean ${JSON.stringify(near)}?`
  return `${JSON.stringify(glob)} matches no configured image; ${hint}`
}
