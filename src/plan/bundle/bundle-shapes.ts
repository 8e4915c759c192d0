import * as v from 'valibot'
import { isRepositoryPath } from '../../oci/reference.ts'
import { descriptor, digest, natural, tag, time } from '../shapes.ts'

// shapes that a bundle, a receipt and a need document share

/** `sha256:` and hex, as `digestOf` returns it */
export const hash = v.pipe(v.string(), v.regex(/^sha256:[a-f0-9]{64}$/))
export const sequence = v.pipe(natural, v.minValue(1))
const path = v.pipe(v.string(), v.check(isRepositoryPath, 'is not the path of a repository'))
/** Text that is shown: one line of printable characters. */
const shownText = v.pipe(v.string(), v.regex(/^[^\p{Cc}\p{Cf}]{1,1024}$/u, 'is not one line of text'))

export const content = v.strictObject({
  digest,
  size: natural,
  kind: v.picklist(['manifest', 'blob']),
  repository: path,
})

export const bundleRoot = v.strictObject({
  repository: path,
  root: descriptor,
  tags: v.array(tag),
  source: shownText,
  rule: v.exactOptional(shownText),
  movedTags: v.exactOptional(v.literal('follow')),
  replaces: v.exactOptional(v.array(v.strictObject({ tag, digest }))),
  platforms: v.exactOptional(v.array(shownText)),
  attached: v.exactOptional(
    v.strictObject({
      subject: digest,
      via: v.picklist(['subject', 'tag']),
      tag: v.exactOptional(tag),
    }),
  ),
})

export const bundleTag = v.strictObject({ repository: path, tag, digest, rule: shownText })
export const bundleBase = v.strictObject({ id: hash, sequence, by: v.picklist(['receipt', 'bundle']) })
export const bundleName = v.strictObject({ id: hash, sequence })
export const createdAt = v.exactOptional(time)
