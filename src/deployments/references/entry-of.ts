import { isDrayError } from '../../lib/errors.ts'
import { isDigest } from '../../oci/digest.ts'
import { isTag, parseReference, parseRepository } from '../../oci/reference.ts'
import type { ValuePlace } from '../edit/value-place.ts'
import { textOf, WrittenNumber } from './documents.ts'
import { isBareHash, textsOfValues } from './formats/helm.ts'
import { splitImage, withoutTransport } from './formats/image-text.ts'
import type { ImageEntry } from './image-entry.ts'
import type { Occurrence } from './occurrence.ts'
import type { Steps } from './walk-position.ts'

/** An entry, or why dray does not edit the image. */
export type EntryOrSkip =
  | ImageEntry
  | {
      /** one line */
      readonly skipped: string
      readonly names: readonly string[]
    }

interface EntryContext {
  /** whether the document is a kustomization: its entries need not change anything yet */
  readonly isKustomization: boolean
  readonly by: string
  readonly placeOf: (steps: Steps) => ValuePlace
}

type EntryParts = Pick<ImageEntry, 'tag' | 'tagOfNumber' | 'digest'>

/** Returns the entry of an occurrence; undefined if it names no image that a file can change. */
export function entryOf(occurrence: Occurrence, context: EntryContext): EntryOrSkip | undefined {
  const { at } = occurrence
  switch (occurrence.kind) {
    case 'image':
      if (occurrence.isBuilt) return { skipped: 'Compose builds it', names: [] }
      return entryOfText(occurrence.text, 'image', at.steps, context)
    case 'transform':
      return entryOfText(occurrence.text, 'transform', at.steps, context)
    case 'values':
      return entryOfValues(occurrence, context)
    case 'kustomization':
      return entryOfKustomization(occurrence.entry, at.steps, context)
    case 'unknown':
      return { skipped: occurrence.what, names: [] }
    case 'running':
      return undefined
  }
}

/** @param names the names of the image, unless they are in the text */
function entryOfText(
  written: string,
  form: 'image' | 'transform',
  steps: Steps,
  { by, placeOf }: EntryContext,
  names?: readonly string[],
): EntryOrSkip {
  // A block scalar ends with a line break. It is an entry, and its edit is refused.
  const text = written.replace(/\n+$/, '')
  const image = withoutTransport(form === 'transform' ? text.slice(text.indexOf('=') + 1) : text)
  const foreign = foreignText(text)
  if (foreign !== undefined) return { skipped: foreign, names: names ?? namesBefore(image) }
  const { name } = splitImage(image)
  const parts = partsOfImage(image)
  if (parts === undefined) return { skipped: `${quote(text)} is not an image reference`, names: [] }
  const place = placeOf(steps)
  return {
    form,
    by,
    names: names ?? [name],
    ...parts,
    place,
    fields: { image: place },
    written: { image: text },
    ...(form === 'transform' && text.includes('=') && { replaces: text.slice(0, text.indexOf('=')) }),
  }
}

/** Parses the tag and digest of a whole image; undefined for a text that is no image. */
export function partsOfImage(text: string): EntryParts | undefined {
  try {
    const { tag, digest } = parseReference(text)
    return { ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
  } catch (error) {
    if (isDrayError(error)) return undefined
    throw error
  }
}

function entryOfValues(
  { image, fields, at }: Extract<Occurrence, { kind: 'values' }>,
  context: EntryContext,
): EntryOrSkip {
  const { nameKey, tagKey, digestKey } = image
  const foreignName = image.names.map(foreignText).find(Boolean)
  if (foreignName !== undefined) return { skipped: foreignName, names: [] }
  const texts = textsOfValues(image)
  if (image.names.length === 0 && 'unknown' in texts) return { skipped: texts.unknown, names: [] }
  const names = image.names.map((name) => splitImage(withoutTransport(name)).name)
  if (!names.every(isRepository)) return { skipped: `${quote(image.name)} is not a repository`, names: [] }
  const foreign = [textOf(image.tag) ?? '', image.digest].map(foreignText).find(Boolean)
  if (foreign !== undefined) return { skipped: foreign, names }
  const inName = nameKey === undefined ? undefined : fields.get(nameKey)
  if (splitImage(image.name).rest !== '') {
    if (inName === undefined || tagKey !== undefined || digestKey !== undefined)
      return { skipped: 'its repository has a tag or digest', names }
    return entryOfText(image.name, 'image', inName.steps, context, names)
  }
  // Charts with the key `sha` write the algorithm themselves.
  const isHash = isBareHash(image.digest) || (image.digest === '' && digestKey === 'sha')
  return entryOfParts(
    { form: 'values', names, tag: image.tag, digest: image.digest, isHash },
    {
      whole: at.steps,
      tag: tagKey === undefined ? undefined : fields.get(tagKey)?.steps,
      digest: digestKey === undefined ? undefined : fields.get(digestKey)?.steps,
    },
    context,
  )
}

function entryOfKustomization(
  entry: Readonly<Record<string, unknown>>,
  steps: Steps,
  context: EntryContext,
): EntryOrSkip | undefined {
  const name = textOf(entry['name']) ?? ''
  const newName = textOf(entry['newName']) ?? ''
  const digest = textOf(entry['digest']) ?? ''
  const isChange = ['newName', 'newTag', 'digest', 'tagSuffix'].some((key) => key in entry)
  if (name === '' || (!isChange && !context.isKustomization)) return undefined
  const written = newName === '' ? name : newName
  const foreignName = foreignText(written)
  if (foreignName !== undefined) return { skipped: foreignName, names: [] }
  if (!isRepository(written)) return { skipped: `${quote(written)} is not a repository`, names: [] }
  const foreign = [textOf(entry['newTag']) ?? '', digest].map(foreignText).find(Boolean)
  if (foreign !== undefined) return { skipped: foreign, names: [written] }
  const last = ['newTag', 'newName', 'name'].find((key) => key in entry) ?? 'name'
  const result = entryOfParts(
    { form: 'kustomization', names: [written], tag: entry['newTag'], digest, isHash: false },
    {
      whole: steps,
      tag: 'newTag' in entry ? [...steps, 'newTag'] : undefined,
      digest: 'digest' in entry ? [...steps, 'digest'] : undefined,
    },
    context,
  )
  if ('skipped' in result) return result
  return {
    ...result,
    replaces: name,
    ...(!('digest' in entry) && { addDigestAfter: context.placeOf([...steps, last]) }),
  }
}

interface PartTexts {
  readonly form: 'values' | 'kustomization'
  readonly names: readonly string[]
  readonly tag: unknown
  readonly digest: string
  /** whether the digest has no algorithm */
  readonly isHash: boolean
}

interface PartSteps {
  readonly whole: Steps
  readonly tag: Steps | undefined
  readonly digest: Steps | undefined
}

function entryOfParts(
  { form, names, tag: rawTag, digest: digestText, isHash }: PartTexts,
  steps: PartSteps,
  { by, placeOf }: EntryContext,
): EntryOrSkip {
  const tagText = textOf(rawTag) ?? ''
  const parts = partsOf(tagText, digestText)
  if ('skipped' in parts) return { skipped: parts.skipped, names }
  const isNumber = rawTag instanceof WrittenNumber && String(rawTag.value) !== rawTag.source
  return {
    form,
    by,
    names,
    ...parts,
    ...(isHash && { isHash }),
    ...(isNumber && form === 'values' && { tagOfNumber: String(rawTag.value) }),
    place: placeOf(steps.whole),
    fields: {
      ...(steps.tag !== undefined && { tag: placeOf(steps.tag) }),
      ...(steps.digest !== undefined && { digest: placeOf(steps.digest) }),
    },
    written: {
      ...(steps.tag !== undefined && { tag: tagText }),
      ...(steps.digest !== undefined && { digest: digestText }),
    },
  }
}

/**
 * Parses a tag and a digest that have fields of their own. A tag can have a digest behind it, and
 * some charts expect the digest in place of the tag.
 */
export function partsOf(tagText: string, digestText: string): EntryParts | { readonly skipped: string } {
  const digestOf = (text: string): string => (isBareHash(text) ? `sha256:${text}` : text)
  const at = tagText.indexOf('@')
  const isOnlyDigest = at < 0 && isDigest(tagText)
  const tag = isOnlyDigest ? '' : at < 0 ? tagText : tagText.slice(0, at)
  const behind = isOnlyDigest ? tagText : at < 0 ? '' : tagText.slice(at + 1)
  const digest = digestOf(digestText === '' ? behind : digestText)
  if (tag !== '' && !isTag(tag)) return { skipped: `${quote(tag)} is not a tag` }
  for (const one of [digest, digestOf(behind)])
    if (one !== '' && !isDigest(one)) return { skipped: `${quote(one)} is not a digest` }
  return { ...(tag !== '' && { tag }), ...(digest !== '' && { digest }) }
}

/** Why only another program knows a text; undefined if it is final. */
export function foreignText(text: string): string | undefined {
  if (text.includes('{{')) return `${quote(text)} contains a template`
  // Compose, envsubst, Flux and Kubernetes replace variables. Their defaults do not count if the
  // variable has a value.
  return text.includes('$') ? `${quote(text)} contains a variable` : undefined
}

/** The name in a text whose tag is a template or a variable. */
function namesBefore(text: string): readonly string[] {
  const name = /^([^{$]+)[:@](?:\{\{|\$)/.exec(text)?.[1]
  return name !== undefined && isRepository(name) ? [name] : []
}

function isRepository(name: string): boolean {
  try {
    parseRepository(name)
    return true
  } catch (error) {
    if (isDrayError(error)) return false
    throw error
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}
