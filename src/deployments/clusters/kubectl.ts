import type { Call } from '../../lib/call.ts'
import { findReferences } from '../references/references-in.ts'
import { type FoundImage, type FoundImages, mergeImages, noImages } from '../references/found-images.ts'
import { clusterName, type KubectlPorts, nameOfObject, readObjects } from './read-objects.ts'

/**
 * Everything that runs containers or may run them again: a rollback uses ReplicaSets and
 * ControllerRevisions.
 */
const resources = [
  'pods',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'controllerrevisions.apps',
  'jobs.batch',
  'cronjobs.batch',
  'replicationcontrollers',
]

const hints = {
  missing: 'Install kubectl, or pass a list of the images in use: --in-use FILE',
  failed:
    'Give this user the permission to list all workloads in all namespaces. dray deletes nothing while the images in use are unknown.',
  empty: 'Check the context, or remove it. dray deletes nothing while the images in use are unknown.',
  large: 'Pass a list of the images in use instead: --in-use FILE',
}

/** Lists the images that a cluster runs or may run again. @throws as `readObjects`. */
export async function queryCluster(context: string, ports: KubectlPorts, call: Call): Promise<FoundImages> {
  /** by text; many pods use the same image */
  const images = new Map<string, FoundImage>()
  const rest: FoundImages[] = []
  const take = (object: Readonly<Record<string, unknown>>, kind: string): void => {
    const where = `${clusterName(context)}: ${kind} ${nameOfObject(object)}`
    const { found, ...others } = findReferences(object, where)
    for (const one of found) if (!images.has(one.text)) images.set(one.text, one)
    if (others.unknown.length + others.renamings.length > 0) rest.push({ ...others, found: [] })
  }
  await readObjects({ context, resources, take, hints }, ports, call)
  return mergeImages([{ ...noImages, found: [...images.values()] }, ...rest])
}
