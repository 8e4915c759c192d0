import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseImageId } from '../../../src/deployments/clusters/image-id.ts'
import { imagesOfPod, queryRunningImages } from '../../../src/deployments/clusters/running-images.ts'
import type { KubectlPorts } from '../../../src/deployments/clusters/read-objects.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { notedCall } from '../../support/http-world.ts'
import { oneDigest } from '../../support/in-use.ts'
import { findMistakes, readTypes } from '../../support/kubernetes/fields.ts'
import { tempFolder } from '../../support/temp.ts'

interface PodShape {
  readonly name?: string
  readonly phase?: string
  readonly owner?: { readonly kind: string; readonly name: string }
  readonly labels?: Readonly<Record<string, string>>
  readonly image?: string
  readonly imageID?: string
}

const id = `r.test/api@${oneDigest}`

function pod({
  name = 'api-1',
  phase = 'Running',
  owner,
  labels,
  image = 'r.test/api:1',
  imageID = id,
}: PodShape) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      ...(labels !== undefined && { labels }),
      ...(owner !== undefined && {
        ownerReferences: [{ apiVersion: 'apps/v1', controller: true, uid: '1', ...owner }],
      }),
    },
    spec: { containers: [{ name: 'api', image }] },
    status: {
      phase,
      containerStatuses: [{ name: 'api', image, imageID, ready: true, restartCount: 0 }],
    },
  }
}

/** A `kubectl` that prints a list of these pods, and keeps its arguments. */
async function printing(...items: readonly object[]): Promise<KubectlPorts & { readonly folder: string }> {
  const folder = await tempFolder()
  const path = join(folder, 'kubectl')
  await writeFile(join(folder, 'answer'), JSON.stringify({ kind: 'List', items, metadata: {} }))
  await writeFile(path, `#!/bin/sh\nprintf '%s\\n' "$@" > "$OUT/arguments"\ncat "$OUT/answer"\n`)
  await chmod(path, 0o755)
  return { env: { PATH: `${folder}:/usr/bin:/bin`, OUT: folder }, clock: systemClock, folder }
}

describe('the images that a cluster runs', () => {
  it('are read from its pods only', async () => {
    const w = await printing(pod({}))
    await queryRunningImages('prod', () => true, w, notedCall())
    expect((await readFile(join(w.folder, 'arguments'), 'utf8')).trimEnd().split('\n')).toEqual([
      '--context',
      'prod',
      'get',
      'pods',
      '--all-namespaces',
      '--field-selector',
      'status.phase!=Succeeded,status.phase!=Failed',
      '-o',
      'json',
    ])
  })

  it('are counted for each workload and container', async () => {
    const owner = { kind: 'ReplicaSet', name: 'api-7d9c' }
    const labels = { 'pod-template-hash': '7d9c' }
    const w = await printing(
      pod({ name: 'api-7d9c-a', owner, labels }),
      pod({ name: 'api-7d9c-b', owner, labels }),
      pod({ name: 'api-7d9c-c', owner, labels, imageID: '', phase: 'Pending' }),
      pod({ name: 'single' }),
    )
    const about = { namespace: 'shop', container: 'api', image: 'r.test/api:1' }
    const workload = { kind: 'Deployment', name: 'api' }
    expect(await queryRunningImages('prod', () => true, w, notedCall())).toEqual([
      { ...about, workload, imageId: id, pods: 2 },
      { ...about, workload, imageId: '', pods: 1 },
      { ...about, workload: { kind: 'Pod', name: 'single' }, imageId: id, pods: 1 },
    ])
  })

  it('are kept only if they are needed', async () => {
    const w = await printing(pod({}), pod({ image: 'r.test/other:1', imageID: `r.test/other@${oneDigest}` }))
    const needed = await queryRunningImages('prod', (image) => image === 'r.test/other:1', w, notedCall())
    expect(needed.map(({ image }) => image)).toEqual(['r.test/other:1'])
  })

  it('of no pod are an error, because the context may be the wrong one', async () => {
    const failed = queryRunningImages('prod', () => true, await printing(), notedCall())
    await expect(failed).rejects.toMatchObject({
      code: 'refused',
      hint: 'Check the context: kubectl config get-contexts',
    })
  })
})

describe('a pod', () => {
  it('of these tests has the fields that Kubernetes knows', () => {
    const types = readTypes('manifest-types.json')
    const shape = pod({ owner: { kind: 'ReplicaSet', name: 'x' }, labels: { a: 'b' } })
    expect(findMistakes(shape, 'Pod', 'pod', types)).toEqual([])
  })

  it.each(['Succeeded', 'Failed'])('that has ended (%s) runs no image', (phase) => {
    expect(imagesOfPod(pod({ phase }))).toEqual([])
  })

  it('that only pulls images for dray runs none', () => {
    expect(imagesOfPod(pod({ labels: { 'app.kubernetes.io/name': 'dray-prepull' } }))).toEqual([])
  })

  it.each([
    [
      'its Deployment',
      { kind: 'ReplicaSet', name: 'api-7d9c' },
      { 'pod-template-hash': '7d9c' },
      'Deployment api',
    ],
    ['a ReplicaSet without a Deployment', { kind: 'ReplicaSet', name: 'api' }, {}, 'ReplicaSet api'],
    ['a StatefulSet', { kind: 'StatefulSet', name: 'db' }, {}, 'StatefulSet db'],
    ['a Job', { kind: 'Job', name: 'sync-29001234' }, {}, 'Job sync-29001234'],
    ['itself, if the node created it', { kind: 'Node', name: 'node-1' }, {}, 'Pod api-1'],
  ] as const)('belongs to %s', (_, owner, labels, expected) => {
    const [image] = imagesOfPod(pod({ owner, labels }))
    expect(`${image?.workload.kind} ${image?.workload.name}`).toBe(expected)
  })

  it('has its init and ephemeral containers, and containers without a status', () => {
    const images = imagesOfPod({
      metadata: { name: 'a', namespace: 'n' },
      spec: {
        initContainers: [{ name: 'init', image: 'i:1' }],
        containers: [{ name: 'main', image: 'm:1' }],
        ephemeralContainers: [{ name: 'debug', image: 'd:1' }],
      },
      status: { initContainerStatuses: [{ name: 'init', imageID: id }] },
    })
    expect(images.map(({ container, imageId }) => [container, imageId])).toEqual([
      ['main', ''],
      ['init', id],
      ['debug', ''],
    ])
  })

  it.each([{}, { spec: 1, status: [], metadata: null }, { spec: { containers: [1, null, {}] }, status: {} }])(
    'of another shape is no failure: %j',
    (shape) => {
      expect(imagesOfPod(shape).every(({ image }) => image === '')).toBe(true)
    },
  )
})

describe('an imageID', () => {
  it.each([
    ['containerd and CRI-O', `r.test:5000/team/api@${oneDigest}`, 'r.test:5000/team/api'],
    ['cri-dockerd', `docker-pullable://r.test/api@${oneDigest}`, 'r.test/api'],
    ['Docker Hub', `docker.io/library/nginx@${oneDigest}`, 'docker.io/library/nginx'],
  ])('of %s has a name and a digest', (_, text, name) => {
    expect(parseImageId(text)).toEqual({ name, digest: oneDigest })
  })

  it.each([oneDigest, `docker://${oneDigest}`, oneDigest.slice('sha256:'.length)])(
    'has only a digest: %s',
    (text) => {
      expect(parseImageId(text)).toEqual({ digest: oneDigest })
    },
  )

  it.each(['', 'r.test/api:1', 'r.test/api@', 'r.test/api@sha256:1234', 'docker://', '@', 'sha256:'])(
    'is not %j',
    (text) => {
      expect(parseImageId(text)).toBeUndefined()
    },
  )
})
