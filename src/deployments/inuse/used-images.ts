import { DrayError, isDrayError } from '../../lib/errors.ts'
import { defaultTag, formatReference, parseReference, type Reference } from '../../oci/reference.ts'
import type { FoundImages, FoundImage, Remedy, UnknownImage } from '../references/found-images.ts'
import { splitImage } from '../references/formats/image-text.ts'

/** An error lists at most this many mistakes. */
const maxDetails = 20

/** An image in use. */
export interface ImageInUse {
  /** with a tag or a digest; `latest` if neither is written */
  readonly reference: Reference
  /**
   * the source and the position in it, such as `gitops/prod/api.yaml:
   * spec.template.spec.containers[0].image`
   */
  readonly by: string
}

/**
 * Parses the texts that were found into images, each once, with the first source. Pure.
 * @param all the texts of all files that belong together: kustomize renames across files
 * @throws `malformed` for texts that are no references, `refused` for images that cannot be
 * determined. One error has all of them.
 */
export function resolveImages(found: FoundImages, all: FoundImages = found): readonly ImageInUse[] {
  const unknown: UnknownImage[] = [...found.unknown]
  const images = new Map<string, ImageInUse>()
  const take = ({ text, by }: FoundImage): void => {
    try {
      const reference = withTag(parseReference(text))
      const key = formatReference(reference)
      if (!images.has(key)) images.set(key, { reference, by })
    } catch (error) {
      if (!isDrayError(error)) throw error
      if (!all.replaced.has(splitImage(text).name)) unknown.push(notReference(text, by))
    }
  }
  for (const image of found.found) take(image)
  const renamed = found.renamings.length === 0 ? new Map<string, FoundImage[]>() : byName(all.found)
  for (const { name, newName, by } of found.renamings) {
    const named = renamed.get(normalName(name)) ?? []
    for (const { text } of named) take({ text: `${newName}${splitImage(text).rest}`, by })
    if (named.length > 0) continue
    const what = `it renames ${JSON.stringify(name)}, and none of these files has its tag`
    unknown.push({ by, what, remedy: 'render' })
  }
  if (unknown.length > 0) throw cannotBeKnown(unknown)
  return [...images.values()]
}

function withTag(reference: Reference): Reference {
  const isWhole = reference.tag !== undefined || reference.digest !== undefined
  return isWhole ? reference : { ...reference, tag: defaultTag }
}

function byName(found: readonly FoundImage[]): Map<string, FoundImage[]> {
  return Map.groupBy(found, ({ text }) => normalName(splitImage(text).name))
}

/** `docker.io/library/nginx` for `nginx`. A text that is no name is returned unchanged. */
function normalName(name: string): string {
  try {
    return formatReference(parseReference(name))
  } catch (error) {
    if (isDrayError(error)) return name
    throw error
  }
}

function notReference(text: string, by: string): UnknownImage {
  if (text.trim() === '') return { by, what: 'it is empty', remedy: 'correct' }
  const written = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
  const isTemplate = text.includes('{{')
  const isVariable = /\$[({A-Za-z_]/.test(text)
  if (isTemplate) return { by, what: `${written} contains an unresolved template`, remedy: 'render' }
  if (isVariable) return { by, what: `${written} contains an unresolved variable`, remedy: 'render' }
  return { by, what: `${written} is not an image reference`, remedy: 'correct' }
}

const hints: Readonly<Record<Remedy, string>> = {
  render:
    'Pass the rendered output instead (helm template … or kustomize build … | dray prune --in-use -), or read the cluster with `kubectl`.',
  compose:
    'Set a default for the variable, or pass the output of Compose: docker compose config | dray prune --in-use -',
  correct: 'Correct the reference, or remove it. dray deletes nothing while the images in use are unknown.',
}

function cannotBeKnown(unknown: readonly UnknownImage[]): DrayError {
  const lines = unknown.map(({ by, what }) => `${by}: ${what}`)
  const [first] = unknown
  const isOne = unknown.length === 1
  const rest = lines.length - maxDetails
  const code = unknown.every(({ remedy }) => remedy === 'correct') ? 'malformed' : 'refused'
  return new DrayError(
    code,
    isOne ? `an image in use is unknown` : `${unknown.length} images in use are unknown`,
    {
      ...(isOne && lines[0] !== undefined && { why: lines[0] }),
      ...(!isOne && { details: [...lines.slice(0, maxDetails), ...(rest > 0 ? [`and ${rest} more`] : [])] }),
      ...(first !== undefined && { subject: first.by, hint: hints[first.remedy] }),
    },
  )
}
