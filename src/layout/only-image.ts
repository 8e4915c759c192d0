import type { Call } from '../lib/call.ts'
import { DrayError } from '../lib/errors.ts'
import { isTag, type TagOrDigest } from '../oci/reference.ts'
import { emptyIndex } from './index-file.ts'
import type { Layout } from './layout.ts'

const maxNamesShown = 20

/**
 * Returns the only image of a layout, for a reference without tag and digest. Attached artifacts
 * and the children of an index do not count.
 * @throws `not-found` if there is none; `usage` with the names if there are several.
 */
export async function findOnlyImage({ folder, relations }: Layout, call: Call): Promise<TagOrDigest> {
  call.signal.throwIfAborted()
  const roots = await relations.roots((await folder.readIndex()) ?? emptyIndex)
  const [first] = roots
  if (first === undefined) {
    throw new DrayError('not-found', `the layout ${folder.name} has no image`, { subject: folder.name })
  }
  if (new Set(roots.map((root) => root.descriptor.digest)).size > 1) {
    const names = roots.map((root) => root.name ?? root.descriptor.digest)
    throw new DrayError('usage', `the layout ${folder.name} has ${roots.length} images`, {
      why: `they are ${names.slice(0, maxNamesShown).join(', ')}${names.length > maxNamesShown ? ', …' : ''}`,
      hint: `Name one: oci:${folder.name}:TAG or oci:${folder.name}@DIGEST.`,
    })
  }
  const tag = roots.map((root) => root.name).find((name) => name !== undefined && isTag(name))
  return tag === undefined ? { digest: first.descriptor.digest } : { tag }
}
