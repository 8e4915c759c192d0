import type { PodOwner } from '../../../deployments/clusters/running-images.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { ErrorInfo } from '../../../lib/errors.ts'
import type { DesiredImage } from './desired-image.ts'
import type { UnreadFile } from './facts.ts'

/** How files and clusters compare with the environment. */
export type GitOpsState =
  /** the environment does not name the image */
  | 'unmanaged'
  /** a file names another image than the environment */
  | 'declared-behind'
  /** a container runs another image than the environment */
  | 'running-behind'
  | 'unknown'
  | 'in-sync'
  /** no file and no container names the image */
  | 'unused'

export type DeclaredState = Exclude<GitOpsState, 'running-behind' | 'unused'>
export type RunningState = Exclude<GitOpsState, 'declared-behind' | 'unused'>

export interface DeclaredImage {
  /** the file and the position */
  readonly by: string
  readonly tag: string | null
  /** in the file, or of the tag at the registry; null: unknown */
  readonly digest: Digest | null
  /** whether the file has the digest */
  readonly isPinned: boolean
  readonly state: DeclaredState
  /** why the state is unknown */
  readonly why?: string
}

export interface RunningContainer {
  readonly context: string
  readonly namespace: string
  readonly workload: PodOwner
  readonly container: string
  /** as the pod names it */
  readonly image: string
  /** that the node reports; null: none yet */
  readonly digest: Digest | null
  readonly pods: number
  readonly state: RunningState
  /** why the state is unknown */
  readonly why?: string
}

export interface GitOpsRow {
  /** as in dray.yaml; a repository if the environment does not name the image */
  readonly image: string
  /** the gravest of the row */
  readonly state: GitOpsState
  readonly desired: readonly DesiredImage[]
  readonly declared: readonly DeclaredImage[]
  readonly running: readonly RunningContainer[]
}

export interface GitOpsDiff {
  readonly environment: string
  readonly images: readonly GitOpsRow[]
  /** null: dray.yaml has no files for the environment */
  readonly unread: readonly UnreadFile[] | null
  readonly clusters: readonly ComparedCluster[]
  /** the number of images in each state */
  readonly summary: Readonly<Record<GitOpsState, number>>
}

interface ComparedCluster {
  readonly context: string
  /** why the cluster could not be read */
  readonly error?: ErrorInfo
}
