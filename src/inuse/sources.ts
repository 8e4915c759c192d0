import type { Call } from '../call.ts'
import { readFiles } from './files.ts'
import { eachOnce, type NamedImages } from './gather-images.ts'
import { askKubectl, type KubectlOptions } from './kubectl.ts'
import { type ListInput, readList } from './list.ts'
import type { UsedReference } from './used-images.ts'

/** Where it is said which images run. */
export type InUseSource =
  /** globs, and the absolute folder that they are relative to */
  | { readonly kind: 'files'; readonly globs: readonly string[]; readonly folder: string }
  /** names of contexts of the kubeconfig */
  | { readonly kind: 'kubectl'; readonly contexts: readonly string[] }
  | ({ readonly kind: 'list' } & ListInput)

export interface ImagesInUse {
  /** each once, with the first place that names it */
  readonly images: readonly UsedReference[]
  /** each glob, cluster and list, with how many images it names */
  readonly sources: readonly { readonly name: string; readonly images: number }[]
}

/**
 * Reads everything that says which images run, one source after another. Nothing is left out: what cannot be read, names an image that cannot be known,
 * or is empty where it should not be, is an error.
 * @throws as `readFiles`, `askKubectl` and `readList`; the reason of the signal.
 */
export async function imagesInUse(
  sources: readonly InUseSource[],
  ports: KubectlOptions,
  call: Call,
): Promise<ImagesInUse> {
  const named: NamedImages[] = []
  for (const source of sources) named.push(...(await readSource(source, ports, call)))
  return {
    images: eachOnce(named.flatMap(({ images }) => images)),
    sources: named.map(({ name, images }) => ({ name, images: images.length })),
  }
}

async function readSource(
  source: InUseSource,
  ports: KubectlOptions,
  call: Call,
): Promise<readonly NamedImages[]> {
  switch (source.kind) {
    case 'files':
      return await readFiles(source.globs, source.folder, call)
    case 'kubectl': {
      const answers: NamedImages[] = []
      for (const context of source.contexts) answers.push(await askKubectl(context, ports, call))
      return answers
    }
    case 'list':
      return [await readList(source, call)]
  }
}
