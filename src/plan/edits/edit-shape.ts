import * as v from 'valibot'
import { digest, natural, repository, tag } from '../shapes.ts'

const hash = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'is not a hash'))
/** Relative to the folder of dray.yaml. dray writes no file outside of it. */
const file = v.pipe(v.string(), v.check(isFileBelow, 'is not a file below the folder of dray.yaml'))

/** Creates the member `edits` of a plan in a file. */
export function createEditEntries(): v.ObjectEntries {
  const edit = v.strictObject({
    document: v.pipe(natural, v.minValue(1)),
    place: v.string(),
    line: v.pipe(natural, v.minValue(1)),
    before: v.nullable(v.string()),
    after: v.string(),
  })
  const image = v.strictObject({
    image: v.string(),
    environment: v.string(),
    repository,
    digest,
    tag: v.exactOptional(tag),
    placements: v.exactOptional(v.pipe(v.array(v.string()), v.minLength(1))),
  })
  const step = v.strictObject({
    id: v.string(),
    kind: v.literal('edit'),
    file,
    fileHash: hash,
    resultHash: hash,
    edits: v.array(edit),
    images: v.pipe(v.array(image), v.minLength(1)),
  })
  const git = v.strictObject({
    mode: v.picklist(['commit', 'push', 'pullRequest']),
    branch: v.exactOptional(v.string()),
    message: v.string(),
  })
  return {
    edits: v.exactOptional(
      v.strictObject({
        environment: v.string(),
        images: v.array(image),
        steps: v.array(step),
        upToDate: v.array(file),
        git: v.exactOptional(git),
      }),
    ),
  }
}

/** Whether a path is relative, in its shortest form, and does not leave its folder. */
export function isFileBelow(path: string): boolean {
  const parts = path.split('/')
  return !/[\\\0]/.test(path) && !parts.some((part) => part === '' || part === '.' || part === '..')
}
