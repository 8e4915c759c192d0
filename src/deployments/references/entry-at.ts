import { DrayError } from '../../lib/errors.ts'
import { textOf } from './documents.ts'
import { foreignText, partsOf, partsOfImage } from './entry-of.ts'
import { isBareHash } from './formats/helm.ts'
import { splitImage, withoutTransport } from './formats/image-text.ts'
import type { ParsedFile } from './image-entries.ts'
import type { ImageEntry } from './image-entry.ts'
import { resolvePath } from './resolve-path.ts'
import { formatSteps, valuePlaceAt } from './walk-position.ts'
import type { ValuePlace } from '../edit/value-place.ts'

/** The paths to the values of one image. At least one is present. */
export interface ImagePaths {
  readonly tag?: string
  readonly digest?: string
}

interface FieldAt {
  readonly path: string
  readonly by: string
  readonly text: string
  readonly key: string | number | undefined
  readonly place: ValuePlace
}

/**
 * Returns the entry of the values at paths in YAML, JSON or `.tfvars` files. A path of a tag may
 * also lead to a whole image, `name:tag@digest`. An empty value is no tag or digest yet.
 * @throws `config` for a path that does not lead to one value, as `resolvePath`; for values that
 * are no tag, digest or image; for templates and variables.
 */
export function entryAt(file: ParsedFile, paths: ImagePaths): ImageEntry {
  const tag = paths.tag === undefined ? undefined : fieldAt(file, paths.tag)
  const digest = paths.digest === undefined ? undefined : fieldAt(file, paths.digest)
  const first = tag ?? digest
  if (first === undefined) throw new DrayError('config', 'an image needs the path of its tag or digest')
  if (tag !== undefined && digest === undefined && tag.text.includes('/')) return imageEntryAt(file, tag)
  const parts = partsOf(tag?.text ?? '', digest?.text ?? '')
  if ('skipped' in parts) {
    const isTagWrong = tag !== undefined && 'skipped' in partsOf(tag.text, '')
    throw notPart(file, isTagWrong ? tag : (digest ?? first), 'it is neither empty nor a tag or digest')
  }
  const isHash = isBareHash(digest?.text ?? '') || (digest?.text === '' && digest.key === 'sha')
  return {
    form: 'values',
    by: first.by,
    names: [],
    ...parts,
    ...(isHash && { isHash }),
    place: first.place,
    fields: { ...(tag && { tag: tag.place }), ...(digest && { digest: digest.place }) },
    written: { ...(tag && { tag: tag.text }), ...(digest && { digest: digest.text }) },
  }
}

function imageEntryAt(file: ParsedFile, field: FieldAt): ImageEntry {
  const image = withoutTransport(field.text)
  const parts = partsOfImage(image)
  if (parts === undefined) throw notPart(file, field, 'it is neither a tag nor an image')
  return {
    form: 'image',
    by: field.by,
    names: [splitImage(image).name],
    ...parts,
    place: field.place,
    fields: { image: field.place },
    written: { image: field.text },
  }
}

function fieldAt(file: ParsedFile, path: string): FieldAt {
  const { document, steps, value } = resolvePath(file, path)
  const last = steps.at(-1)
  const field: FieldAt = {
    path,
    by: `${file.name}${document === 0 ? '' : `, document ${document + 1}`}: ${formatSteps(steps)}`,
    text: textOf(value) ?? '',
    key: typeof last === 'object' ? undefined : last,
    place: valuePlaceAt(document, steps),
  }
  if (foreignText(field.text) !== undefined) throw notPart(file, field, 'it contains a template or variable')
  return field
}

/** Without the value: a wrong path can lead to a secret. */
function notPart({ name }: ParsedFile, { path }: FieldAt, why: string): DrayError {
  return new DrayError('config', `the value at ${path} in ${name} is not a tag or digest`, {
    subject: name,
    why,
    hint: 'Correct the path or the value.',
  })
}
