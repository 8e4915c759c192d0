import type { Digest } from '../../oci/digest.ts'
import { formatReference, type RepositoryName } from '../../oci/reference.ts'
import type { KubernetesObject, ManifestValue } from './object.ts'

/** Images of one DaemonSet. A pod mounts them all, and one that fails stops the others. */
const imagesPerDaemonSet = 16

/** The user of the pause container. No image runs as root. */
const user = 65_535

/** An image that each node pulls. */
export interface PulledImage extends RepositoryName {
  readonly digest: Digest
}

/** A taint that the pods tolerate (Kubernetes, core/v1, Toleration). */
export interface PodToleration {
  /** absent: every taint */
  readonly key?: string
  /** absent: any value */
  readonly value?: string
  /** absent: every effect */
  readonly effect?: string
}

export interface PrepullOptions {
  /** of the DaemonSets, before their numbers */
  readonly name: string
  readonly namespace?: string
  /** names of Secrets */
  readonly pullSecrets: readonly string[]
  readonly nodeSelector: Readonly<Record<string, string>>
  readonly tolerations: readonly PodToleration[]
  readonly pauseImage: string
  /** an image with a static busybox: the pods pull by init containers and not by image volumes */
  readonly busyboxImage?: string
}

/**
 * Returns DaemonSets that make each node pull images: one for every 16 images, in the order of
 * their references. No command of an image runs: an image volume needs none (KEP-4639), and an init
 * container runs a copied `true`.
 */
export function prepullDaemonSets(
  images: readonly PulledImage[],
  options: PrepullOptions,
): readonly KubernetesObject[] {
  const references = [...new Set(images.map((image) => formatReference(image)))].sort()
  const count = Math.ceil(references.length / imagesPerDaemonSet)
  return Array.from({ length: count }, (_, i) => {
    const own = references.slice(i * imagesPerDaemonSet, (i + 1) * imagesPerDaemonSet)
    return daemonSet(`${options.name}-${i + 1}`, own, options)
  })
}

function daemonSet(name: string, references: readonly string[], options: PrepullOptions): KubernetesObject {
  const { namespace, busyboxImage } = options
  const labels = { 'app.kubernetes.io/name': 'dray-prepull', 'app.kubernetes.io/instance': name }
  const pulls = busyboxImage === undefined ? volumePulls(references) : initPulls(references, busyboxImage)
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      labels: { ...labels, 'app.kubernetes.io/managed-by': 'dray' },
    },
    spec: {
      selector: { matchLabels: labels },
      // All nodes at once could exceed the limits of the registry.
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
      template: { metadata: { labels }, spec: podSpec(pulls, options) },
    },
  }
}

/** The parts of a pod that make a node pull images. */
interface Pulls {
  readonly initContainers?: readonly ManifestValue[]
  readonly volumeMounts?: readonly ManifestValue[]
  readonly volumes: readonly ManifestValue[]
}

function podSpec({ initContainers, volumeMounts, volumes }: Pulls, options: PrepullOptions): ManifestValue {
  const { pullSecrets, nodeSelector, tolerations, pauseImage } = options
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 0,
    ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...(tolerations.length > 0 && { tolerations: tolerations.map(tolerationOf) }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(initContainers !== undefined && { initContainers }),
    containers: [
      {
        ...container('pause', pauseImage),
        ...(volumeMounts !== undefined && { volumeMounts }),
      },
    ],
    volumes,
  }
}

/** The pod mounts the volumes: a kubelet does not delete the images of a pod that uses them. */
function volumePulls(references: readonly string[]): Pulls {
  const names = references.map((_, i) => `image-${i + 1}`)
  return {
    volumeMounts: names.map((name) => ({ name, mountPath: `/images/${name}`, readOnly: true })),
    volumes: references.map((reference, i) => ({
      name: names[i] ?? '',
      image: { reference, pullPolicy: 'IfNotPresent' },
    })),
  }
}

/**
 * Each image is that of an init container. It runs `true` from a volume, because an image without a
 * shell has no command that ends with success.
 */
function initPulls(references: readonly string[], busyboxImage: string): Pulls {
  const tools = { name: 'tools', mountPath: '/tools' }
  const copy = {
    ...container('tools', busyboxImage),
    command: ['cp', '/bin/busybox', '/tools/true'],
    volumeMounts: [tools],
  }
  const pulls = references.map((reference, i) => ({
    ...container(`image-${i + 1}`, reference),
    command: ['/tools/true'],
    volumeMounts: [{ ...tools, readOnly: true }],
  }))
  return { initContainers: [copy, ...pulls], volumes: [{ name: 'tools', emptyDir: { sizeLimit: '16Mi' } }] }
}

function container(name: string, image: string): { readonly [key: string]: ManifestValue } {
  return {
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    resources: { requests: { cpu: '1m', memory: '8Mi' }, limits: { memory: '16Mi' } },
  }
}

function tolerationOf({ key, value, effect }: PodToleration): ManifestValue {
  return {
    ...(key !== undefined && { key }),
    operator: value === undefined ? 'Exists' : 'Equal',
    ...(value !== undefined && { value }),
    ...(effect !== undefined && { effect }),
  }
}
