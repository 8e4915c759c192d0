import type { Call } from '../../lib/call.ts'
import { isRecord } from '../../oci/json.ts'
import { type KubectlPorts, readObjects } from './read-objects.ts'

/** An image of a container, with the number of pods in which it runs. */
export interface RunningImage {
  readonly namespace: string
  readonly workload: PodOwner
  readonly container: string
  /** as the pod names it */
  readonly image: string
  /** as the node reports it (ContainerStatus); empty until the node has the image */
  readonly imageId: string
  readonly pods: number
}

/** The object that creates a pod; the pod itself if there is none. */
export interface PodOwner {
  /** such as `Deployment` */
  readonly kind: string
  readonly name: string
}

/** Which images the caller needs. The others take no memory. */
export type ImageFilter = (image: string, imageId: string) => boolean

/** A cluster of 5,000 nodes has 150,000 pods with some 8 kB each. */
const maxBytes = 2 * 1024 * 1024 * 1024
const limitMs = 5 * 60_000

const hints = {
  missing: 'Install kubectl, or omit --context to compare only files.',
  failed: 'Give this user the permission to list pods in all namespaces.',
  empty: 'Check the context: kubectl config get-contexts',
  large: 'Omit --context, and compare only files.',
}

/** Pods in these phases run no more. */
const endedPhases: ReadonlySet<unknown> = new Set(['Succeeded', 'Failed'])
const containerLists = [
  ['containers', 'containerStatuses'],
  ['initContainers', 'initContainerStatuses'],
  ['ephemeralContainers', 'ephemeralContainerStatuses'],
] as const

/**
 * Lists the images that the pods of a cluster run, each once for every workload and container.
 * Pods that have ended and those of `dray k8s prepull` are omitted.
 * @throws as `readObjects`.
 */
export async function queryRunningImages(
  context: string,
  isNeeded: ImageFilter,
  ports: KubectlPorts,
  call: Call,
): Promise<readonly RunningImage[]> {
  const found = new Map<string, RunningImage>()
  const take = (object: Readonly<Record<string, unknown>>): void => {
    for (const one of imagesOfPod(object)) {
      if (!isNeeded(one.image, one.imageId)) continue
      const { pods, ...rest } = one
      const key = JSON.stringify(rest)
      found.set(key, { ...rest, pods: (found.get(key)?.pods ?? 0) + pods })
    }
  }
  const selector = 'status.phase!=Succeeded,status.phase!=Failed'
  await readObjects({ context, resources: ['pods'], selector, maxBytes, limitMs, take, hints }, ports, call)
  return [...found.values()]
}

/** Returns the images of the containers of a pod (Kubernetes, core/v1, Pod). Pure. */
export function imagesOfPod(pod: Readonly<Record<string, unknown>>): readonly RunningImage[] {
  const [metadata, spec, status] = [recordIn(pod, 'metadata'), recordIn(pod, 'spec'), recordIn(pod, 'status')]
  const labels = recordIn(metadata, 'labels')
  if (endedPhases.has(status['phase']) || labels['app.kubernetes.io/name'] === 'dray-prepull') return []
  const about = { namespace: textIn(metadata, 'namespace'), workload: ownerOf(metadata, labels), pods: 1 }
  return containerLists.flatMap(([containers, statuses]) => {
    const ids = new Map(recordsIn(status, statuses).map((one) => [one['name'], textIn(one, 'imageID')]))
    return recordsIn(spec, containers).map((one) => {
      const container = textIn(one, 'name')
      return { ...about, container, image: textIn(one, 'image'), imageId: ids.get(container) ?? '' }
    })
  })
}

function ownerOf(
  metadata: Readonly<Record<string, unknown>>,
  labels: Readonly<Record<string, unknown>>,
): PodOwner {
  const owner = recordsIn(metadata, 'ownerReferences').find((one) => one['controller'] === true)
  const [kind, name] = owner === undefined ? ['', ''] : [textIn(owner, 'kind'), textIn(owner, 'name')]
  // A static pod belongs to its node.
  if (name === '' || kind === 'Node') return { kind: 'Pod', name: textIn(metadata, 'name') }
  // A Deployment names its ReplicaSets `NAME-HASH` and labels their pods with the hash.
  const hash = labels['pod-template-hash']
  if (kind === 'ReplicaSet' && typeof hash === 'string' && hash !== '' && name.endsWith(`-${hash}`))
    return { kind: 'Deployment', name: name.slice(0, -hash.length - 1) }
  return { kind, name }
}

function recordIn(value: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const field = value[key]
  return isRecord(field) ? field : {}
}

function recordsIn(
  value: Readonly<Record<string, unknown>>,
  key: string,
): readonly Readonly<Record<string, unknown>>[] {
  const field = value[key]
  return Array.isArray(field) ? field.filter(isRecord) : []
}

function textIn(value: Readonly<Record<string, unknown>>, key: string): string {
  const field = value[key]
  return typeof field === 'string' ? field : ''
}
