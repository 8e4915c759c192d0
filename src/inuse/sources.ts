import type { Call } from '../lib/call.ts'
import { DrayError } from '../lib/errors.ts'
import { formatReference } from '../oci/reference.ts'
import { documentsOf } from './documents.ts'
import { readFiles } from './files.ts'
import { type FoundImages, mergeImages } from './found-images.ts'
import { queryCluster, clusterName, type KubectlPorts } from './formats/kubectl.ts'
import { type ByteReader, readList } from './formats/list.ts'
import { findReferences } from './references-in.ts'
import { type ImageInUse, resolveImages } from './used-images.ts'

/** Something that says what runs. */
export type ImageSource =
  /** @see readFiles */
  | { readonly kind: 'files'; readonly globs: readonly string[]; readonly folder: string }
  | { readonly kind: 'kubectl'; readonly contexts: readonly string[] }
  /** the name is a file's, or says what standard input is called */
  | { readonly kind: 'list'; readonly name: string; readonly read: ByteReader }

/** What one glob, cluster or list says. */
interface NamedSource {
  readonly name: string
  /** different ones */
  readonly images: number
}

export interface InUseAnswer {
  /** each once, with the first that names it */
  readonly images: readonly ImageInUse[]
  /** in the order in which they were given */
  readonly sources: readonly NamedSource[]
}

/**
 * Asks all sources which images are in use. There is no answer in part: what cannot be read, cannot be known or names no image at all is an error.
 * @throws `refused` for a glob, cluster or list that names no image, and for images that cannot be known; `malformed`, `io`, `config`, `unavailable`,
 * `timeout`; what the readers of lists throw; the signal's reason.
 */
export async function listImagesInUse(
  sources: readonly ImageSource[],
  ports: KubectlPorts,
  call: Call,
): Promise<InUseAnswer> {
  const images = new Map<string, ImageInUse>()
  const asked: NamedSource[] = []
  for (const source of sources) {
    for (const { name, used } of await querySource(source, ports, call)) {
      if (used.length === 0) throw namesNone(name)
      asked.push({ name, images: used.length })
      for (const image of used) {
        const key = formatReference(image.reference)
        if (!images.has(key)) images.set(key, image)
      }
    }
  }
  return { images: [...images.values()], sources: asked }
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
      // one after the other: each may ask for a login
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

/** All globs of a source belong together: a kustomization in one renames images of another. */
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
    hint: 'Correct it, or take it out. Nothing is deleted while it is not known what runs.',
  })
}
