import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatReference } from '../../oci/reference.ts'
import { documentsOf } from '../references/documents.ts'
import { readFiles } from '../files/files.ts'
import { type FoundImages, mergeImages } from '../references/found-images.ts'
import { queryCluster } from '../clusters/kubectl.ts'
import { clusterName, type KubectlPorts } from '../clusters/read-objects.ts'
import { type ByteReader, readList } from './list.ts'
import { findReferences } from '../references/references-in.ts'
import { type ImageInUse, resolveImages } from './used-images.ts'

/** A source that names images in use. */
export type ImageSource =
  /** @see readFiles */
  | { readonly kind: 'files'; readonly globs: readonly string[]; readonly folder: string }
  | { readonly kind: 'kubectl'; readonly contexts: readonly string[] }
  /** the name is that of a file, or stands for standard input */
  | { readonly kind: 'list'; readonly name: string; readonly read: ByteReader }

/** One glob, cluster or list. */
interface NamedSource {
  readonly name: string
  /** how many different images it names */
  readonly images: number
}

export interface InUseAnswer {
  /** each once, with the first source that names it */
  readonly images: readonly ImageInUse[]
  /** in the order of the request */
  readonly sources: readonly NamedSource[]
}

/**
 * Lists the images in use from all sources. There is no partial result: a source that cannot be
 * read or names no image, and an image that cannot be determined, are errors.
 * @throws `refused` for a source that names no image, and for images that cannot be determined;
 * `malformed`, `io`, `config`, `unavailable`, `timeout`; what the readers of lists throw; the
 * signal's reason.
 */
export async function listImagesInUse(
  sources: readonly ImageSource[],
  ports: KubectlPorts,
  call: Call,
): Promise<InUseAnswer> {
  const images = new Map<string, ImageInUse>()
  const queries: NamedSource[] = []
  for (const source of sources) {
    for (const { name, used } of await querySource(source, ports, call)) {
      if (used.length === 0) throw namesNone(name)
      queries.push({ name, images: used.length })
      for (const image of used) {
        const key = formatReference(image.reference)
        if (!images.has(key)) images.set(key, image)
      }
    }
  }
  return { images: [...images.values()], sources: queries }
}

interface SourceImages {
  readonly name: string
  readonly used: readonly ImageInUse[]
}

async function querySource(
  source: ImageSource,
  ports: KubectlPorts,
  call: Call,
): Promise<readonly SourceImages[]> {
  switch (source.kind) {
    case 'files':
      return await queryFiles(source.globs, source.folder, call)
    case 'kubectl': {
      const answered: SourceImages[] = []
      // One at a time, because each may ask for a login.
      for (const context of source.contexts)
        answered.push({
          name: clusterName(context),
          used: resolveImages(await queryCluster(context, ports, call)),
        })
      return answered
    }
    case 'list':
      return [{ name: source.name, used: resolveImages(await readList(source.name, source.read, call)) }]
  }
}

/**
 * A kustomization in one glob may rename images of another, so all globs of a source are resolved
 * together.
 */
async function queryFiles(
  globs: readonly string[],
  folder: string,
  call: Call,
): Promise<readonly SourceImages[]> {
  const results = await readFiles(globs, folder, findImages, call)
  const all = mergeImages([...new Set(results.flatMap(({ files }) => files))])
  return results.map(({ glob, files }) => ({ name: glob, used: resolveImages(mergeImages(files), all) }))
}

function findImages(text: string, name: string): FoundImages {
  return mergeImages([...documentsOf(text, name)].map(({ value, where }) => findReferences(value, where)))
}

function namesNone(name: string): DrayError {
  return new DrayError('refused', `${name} names no image`, {
    subject: name,
    hint: 'Correct the source, or remove it. dray deletes nothing while the images in use are unknown.',
  })
}
