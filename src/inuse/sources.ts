import type { Call } from '../lib/call.ts'
import { DrayError } from '../lib/errors.ts'
import { formatReference } from '../oci/reference.ts'
import { documentsOf } from './documents.ts'
import { readFiles } from './files.ts'
import { type Findings, joinFindings } from './findings.ts'
import { askCluster, clusterName, type KubectlPorts } from './formats/kubectl.ts'
import { type ByteReader, readList } from './formats/list.ts'
import { referencesIn } from './references-in.ts'
import { type ImageInUse, usedImages } from './used-images.ts'

/** Something that says what runs. */
export type ImageSource =
  /** @see readFiles */
  | { readonly kind: 'files'; readonly globs: readonly string[]; readonly folder: string }
  | { readonly kind: 'kubectl'; readonly contexts: readonly string[] }
  /** the name is a file's, or says what standard input is called */
  | { readonly kind: 'list'; readonly name: string; readonly read: ByteReader }

/** What one glob, cluster or list says. */
interface AskedSource {
  readonly name: string
  /** different ones */
  readonly images: number
}

export interface InUseAnswer {
  /** each once, with the first that names it */
  readonly images: readonly ImageInUse[]
  /** in the order in which they were given */
  readonly sources: readonly AskedSource[]
}

/**
 * Asks all sources which images are in use. There is no answer in part: what cannot be read, cannot be known or names no image at all is an error.
 * @throws `refused` for a glob, cluster or list that names no image, and for images that cannot be known; `malformed`, `io`, `config`, `unavailable`,
 * `timeout`; what the readers of lists throw; the signal's reason.
 */
export async function imagesInUse(
  sources: readonly ImageSource[],
  ports: KubectlPorts,
  call: Call,
): Promise<InUseAnswer> {
  const images = new Map<string, ImageInUse>()
  const asked: AskedSource[] = []
  for (const source of sources) {
    for (const { name, used } of await ask(source, ports, call)) {
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

interface Answered {
  readonly name: string
  readonly used: readonly ImageInUse[]
}

async function ask(source: ImageSource, ports: KubectlPorts, call: Call): Promise<readonly Answered[]> {
  switch (source.kind) {
    case 'files':
      return await askFiles(source.globs, source.folder, call)
    case 'kubectl': {
      const answered: Answered[] = []
      // one after the other: each may ask for a login
      for (const context of source.contexts)
        answered.push({
          name: clusterName(context),
          used: usedImages(await askCluster(context, ports, call)),
        })
      return answered
    }
    case 'list':
      return [{ name: source.name, used: usedImages(await readList(source.name, source.read, call)) }]
  }
}

/** All globs of a source belong together: a kustomization in one renames images of another. */
async function askFiles(globs: readonly string[], folder: string, call: Call): Promise<readonly Answered[]> {
  const results = await readFiles(globs, folder, findingsOfText, call)
  const all = joinFindings([...new Set(results.flatMap(({ files }) => files))])
  return results.map(({ glob, files }) => ({ name: glob, used: usedImages(joinFindings(files), all) }))
}

function findingsOfText(text: string, name: string): Findings {
  return joinFindings([...documentsOf(text, name)].map(({ value, where }) => referencesIn(value, where)))
}

function namesNone(name: string): DrayError {
  return new DrayError('refused', `${name} names no image`, {
    subject: name,
    hint: 'Correct it, or take it out. Nothing is deleted while it is not known what runs.',
  })
}
