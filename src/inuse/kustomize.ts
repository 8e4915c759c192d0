import { DrayError } from '../errors.ts'
import {
  addImage,
  byOf,
  inside,
  isMapping,
  type References,
  type Rename,
  type Spot,
  textOf,
} from './found.ts'
import { ifReference, type WrittenImage } from './used-images.ts'

/** Whether a list is the `images` of kustomize and Flux: maps with a name and something new for it. */
export function isKustomizeImages(value: unknown): value is readonly Record<string, unknown>[] {
  return Array.isArray(value) && value.length > 0 && value.every(isKustomizeImage)
}

/** The same, once: `imageTag` of an ImageTagTransformer. */
export function isKustomizeImage(value: unknown): value is Record<string, unknown> {
  return isMapping(value) && 'name' in value && ['newName', 'newTag', 'digest'].some((key) => key in value)
}

/** Adds what an entry says by itself, and keeps what it does to others. */
export function addKustomizeImage(found: References, entry: Record<string, unknown>, spot: Spot): void {
  const read = (key: string): string => textOf(entry[key] ?? null, inside(spot, key)) ?? ''
  const name = read('name')
  const newName = read('newName') || name
  const [tag, digest] = [read('newTag'), read('digest')]
  const at = `${tag && `:${tag}`}${digest && `@${digest}`}`
  if (at !== '') addImage(found, `${newName}${at}`, spot)
  if (name !== '') found.renames.push({ name, newName, at, by: byOf(spot) })
}

/** `NAME=NEW:TAG` or `NEW:TAG`, as Argo CD gives them to kustomize. */
export function addKustomizeWord(found: References, text: string, spot: Spot): void {
  const [first = '', second] = text.split('=', 2)
  addImage(found, second ?? first, spot)
}

/**
 * Puts new names where the old ones stand in files of the same set; the images of the old names stay as well. What is no reference, and has a new name
 * (`APP_IMAGE`), goes.
 */
export function renamed(
  images: readonly WrittenImage[],
  renames: readonly Rename[],
): readonly WrittenImage[] {
  const byName = Map.groupBy(images, ({ text }) => nameOf(text))
  const added = renames.filter(keepsTag).flatMap(({ name, newName, by }) =>
    (byName.get(name) ?? []).map(({ text, by: of }) => ({
      text: `${newName}${text.slice(name.length)}`,
      by: `${by}, for ${of}`,
    })),
  )
  const replaced = new Set(renames.map(({ name }) => name))
  const isPlaceholder = (image: WrittenImage): boolean =>
    replaced.has(nameOf(image.text)) && ifReference(image) === undefined
  return [...images.filter((image) => !isPlaceholder(image)), ...added]
}

/** @throws `refused` for a new name without tag and digest, where no image has the old one: what runs cannot be known. */
export function checkRenames(images: readonly WrittenImage[], renames: readonly Rename[]): void {
  const names = new Set(images.map(({ text }) => nameOf(text)))
  const unknown = renames.find((rename) => keepsTag(rename) && !names.has(rename.name))
  if (unknown === undefined) return
  const { name, newName, by } = unknown
  throw new DrayError('refused', `${by}: which image of ${newName} runs cannot be known`, {
    subject: by,
    why: `it has no newTag and no digest, and no file that is read names ${name}`,
    hint: 'Say newTag or digest, or fill it in first: `kustomize build … | dray prune --in-use -`.',
  })
}

function keepsTag({ at, name, newName }: Rename): boolean {
  return at === '' && name !== newName
}

/** The name without tag and digest; a port is no tag. */
export function nameOf(text: string): string {
  return text.replace(/@.*$/s, '').replace(/:[^/:]*$/, '')
}
