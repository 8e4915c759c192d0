import { resolve } from 'node:path'
import type { Digest } from '../../oci/digest.ts'
import { layoutRegistry, type RepositoryName } from '../../oci/reference.ts'

/** What `promote` and `copy` were told. */
export interface Route {
  /** the words of the command line: images, or with no `to` a source and a destination */
  readonly words: readonly string[]
  /** an environment's name, with or without `@` */
  readonly from?: string
  readonly to?: string
  /** tags to write in place of the source's */
  readonly tags: readonly string[]
  readonly expect?: Digest
  /** in place of what the environment says */
  readonly attest?: boolean
  /** floating tags move to a lower version too */
  readonly allowBackward?: boolean
  /** where relative folders of layouts begin */
  readonly cwd: string
}

/** Whether the rules of environments count: which takes images from which. */
export type Rules = 'promotion' | 'copy'

/** Whole, so that a saved plan means the same folder wherever it is carried out. */
export function layoutRepository(folder: string, cwd: string): RepositoryName {
  return { registry: layoutRegistry, path: resolve(cwd, folder) }
}
