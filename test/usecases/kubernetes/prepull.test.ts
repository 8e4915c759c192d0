import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { manifestText } from '../../../src/cli/kubernetes/manifest-text.ts'
import { type Digest, parseDigest } from '../../../src/oci/digest.ts'
import { checkLabel } from '../../../src/usecases/kubernetes/names.ts'
import type { KubernetesObject } from '../../../src/usecases/kubernetes/object.ts'
import {
  prepullDaemonSets,
  type PrepullOptions,
  type PulledImage,
} from '../../../src/usecases/kubernetes/prepull.ts'
import { findMistakes, readTypes } from '../../support/kubernetes/fields.ts'

const types = readTypes('manifest-types.json')
const digestOf = (n: number): Digest => parseDigest(`sha256:${n.toString(16).padStart(64, '0')}`)
const image = (n: number, path = `prod/app-${n}`): PulledImage => ({
  registry: 'r.example.com:5000',
  path,
  digest: digestOf(n),
})
const images = (count: number): readonly PulledImage[] => Array.from({ length: count }, (_, i) => image(i))
const options: PrepullOptions = {
  name: 'dray-prepull-prod',
  pullSecrets: [],
  nodeSelector: {},
  tolerations: [],
  pauseImage: 'registry.k8s.io/pause:3.10',
}
const busyboxImage = 'docker.io/library/busybox:1.37-musl'
const full: PrepullOptions = {
  ...options,
  namespace: 'shop',
  pullSecrets: ['regcred', 'second.one'],
  nodeSelector: { pool: 'apps', 'example.com/zone': 'a' },
  tolerations: [{}, { key: 'dedicated', value: 'apps', effect: 'NoSchedule' }, { key: 'gpu' }],
}

interface Container {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}
interface PodSpec {
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes: readonly { readonly name: string; readonly image?: { readonly reference: string } }[]
}

function podOf(set: KubernetesObject | undefined): PodSpec {
  const { spec } = set as unknown as { readonly spec: { readonly template: { readonly spec: PodSpec } } }
  return spec.template.spec
}

describe.each([
  ['image volumes', full],
  ['init containers', { ...full, busyboxImage }],
])('a DaemonSet with %s', (_, given) => {
  it.each([1, 16, 17, 40])('has the fields that Kubernetes knows, for %i images', (count) => {
    const sets = prepullDaemonSets(images(count), given)
    expect(sets.flatMap((set) => findMistakes(set, 'DaemonSet', 'set', types))).toEqual([])
    const documents = parseAllDocuments(manifestText(sets)).map((document) => document.toJS() as unknown)
    expect(documents).toEqual(sets)
  })

  it('selects its own pods and no others', () => {
    const sets = prepullDaemonSets(images(17), given) as unknown as readonly {
      readonly metadata: { readonly name: string }
      readonly spec: {
        readonly selector: { readonly matchLabels: object }
        readonly template: { readonly metadata: { readonly labels: object } }
      }
    }[]
    expect(sets.map(({ metadata }) => metadata.name)).toEqual(['dray-prepull-prod-1', 'dray-prepull-prod-2'])
    for (const { spec } of sets) expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels)
    expect(sets[0]?.spec.selector).not.toEqual(sets[1]?.spec.selector)
  })

  it('has names that are labels', () => {
    for (const set of prepullDaemonSets(images(40), given)) {
      const { initContainers = [], containers, volumes } = podOf(set)
      const names = [...initContainers, ...containers, ...volumes].map(({ name }) => name)
      for (const name of [set.metadata.name, ...names]) expect(checkLabel(name, 'a name')).toBe(name)
    }
  })

  it('is the same for any order of the images', () => {
    expect(prepullDaemonSets(images(20).toReversed(), given)).toEqual(prepullDaemonSets(images(20), given))
  })

  it('has each image once', () => {
    const sets = prepullDaemonSets([...images(3), ...images(3)], given)
    expect(JSON.stringify(sets).match(/@sha256:/g)).toHaveLength(3)
  })

  it('runs on the selected nodes, with the pull secrets and without permissions', () => {
    expect(podOf(prepullDaemonSets(images(1), given)[0])).toMatchObject({
      automountServiceAccountToken: false,
      imagePullSecrets: [{ name: 'regcred' }, { name: 'second.one' }],
      nodeSelector: { pool: 'apps', 'example.com/zone': 'a' },
      tolerations: [
        { operator: 'Exists' },
        { key: 'dedicated', operator: 'Equal', value: 'apps', effect: 'NoSchedule' },
        { key: 'gpu', operator: 'Exists' },
      ],
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
  })
})

describe('a distroless image', () => {
  it('is a volume: the only container is pause', () => {
    const { initContainers, containers, volumes } = podOf(prepullDaemonSets(images(2), options)[0])
    expect(initContainers).toBeUndefined()
    expect(containers.map((one) => [one.image, one.command])).toEqual([
      ['registry.k8s.io/pause:3.10', undefined],
    ])
    expect(volumes.map((volume) => volume.image)).toEqual([
      { reference: `r.example.com:5000/prod/app-0@${digestOf(0)}`, pullPolicy: 'IfNotPresent' },
      { reference: `r.example.com:5000/prod/app-1@${digestOf(1)}`, pullPolicy: 'IfNotPresent' },
    ])
    expect(containers[0]?.volumeMounts?.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name))
  })

  it('runs only a copied binary as an init container', () => {
    const [set] = prepullDaemonSets(images(2), { ...options, busyboxImage })
    const { initContainers = [], containers, volumes } = podOf(set)
    const [copy, ...pulls] = initContainers
    expect(copy).toMatchObject({ image: busyboxImage, command: ['cp', '/bin/busybox', '/tools/true'] })
    expect(pulls.map((one) => one.command)).toEqual([['/tools/true'], ['/tools/true']])
    expect(pulls.map((one) => one.image)).toEqual([
      `r.example.com:5000/prod/app-0@${digestOf(0)}`,
      `r.example.com:5000/prod/app-1@${digestOf(1)}`,
    ])
    for (const one of initContainers)
      expect(one.volumeMounts).toMatchObject([{ name: 'tools', mountPath: '/tools' }])
    expect(volumes).toEqual([{ name: 'tools', emptyDir: { sizeLimit: '16Mi' } }])
    expect(containers.map((one) => one.image)).toEqual(['registry.k8s.io/pause:3.10'])
  })
})

describe('17 images', () => {
  it('are in two DaemonSets, in the order of their references', () => {
    const sets = prepullDaemonSets(images(17), options)
    const references = sets.map((set) => podOf(set).volumes.map((volume) => volume.image?.reference ?? ''))
    expect(references.map((one) => one.length)).toEqual([16, 1])
    expect(references.flat()).toEqual(references.flat().toSorted())
  })
})

it('an image of Docker Hub has its whole name', () => {
  const hub = { registry: 'docker.io', path: 'library/nginx', digest: digestOf(1) }
  expect(parse(manifestText(prepullDaemonSets([hub], options)))).toMatchObject({
    spec: {
      template: { spec: { volumes: [{ image: { reference: `docker.io/library/nginx@${digestOf(1)}` } }] } },
    },
  })
})
