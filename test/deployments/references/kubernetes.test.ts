import { describe, expect, it } from 'vitest'
import { images, errorIn, oneDigest, otherDigest } from '../../support/in-use.ts'

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: api, namespace: prod }
spec:
  replicas: 3
  template:
    spec:
      initContainers:
        - { name: migrate, image: r.test/shop/migrate:1.4.2 }
      containers:
        - name: api
          image: "r.test/shop/api:1.4.2"
        - name: proxy
          image: nginx
      imagePullSecrets: [{ name: pull }]
`

const cronJob = `
apiVersion: batch/v1
kind: CronJob
metadata: { name: nightly }
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - { name: report, image: r.test/shop/report@${oneDigest} }
`

describe('objects of Kubernetes', () => {
  it('have the images of containers and init containers, with the path of each', () => {
    expect(images(deployment)).toEqual({
      'r.test/shop/migrate:1.4.2': 'file.yaml: spec.template.spec.initContainers[0].image',
      'r.test/shop/api:1.4.2': 'file.yaml: spec.template.spec.containers[0].image',
      'docker.io/library/nginx:latest': 'file.yaml: spec.template.spec.containers[1].image',
    })
  })

  it('have images by digest if they are a CronJob', () => {
    expect(Object.keys(images(cronJob))).toEqual([`r.test/shop/report@${oneDigest}`])
  })

  it.each(['ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController', 'Rollout'])(
    'have images if they are a %s',
    (kind) => {
      const text = `kind: ${kind}\nspec: { template: { spec: { containers: [{ image: r.test/a:1 }] } } }`
      expect(Object.keys(images(text))).toEqual(['r.test/a:1'])
    },
  )

  it('have images if they are a Pod, a PodTemplate or a revision of a StatefulSet', () => {
    const text = `
kind: Pod
spec: { containers: [{ image: r.test/pod:1 }] }
---
kind: PodTemplate
template: { spec: { containers: [{ image: r.test/template:1 }] } }
---
kind: ControllerRevision
data: { spec: { template: { spec: { containers: [{ image: r.test/revision:1 }] } } } }
`
    expect(images(text)).toEqual({
      'r.test/pod:1': 'file.yaml: spec.containers[0].image',
      'r.test/template:1': 'file.yaml, document 2: template.spec.containers[0].image',
      'r.test/revision:1': 'file.yaml, document 3: data.spec.template.spec.containers[0].image',
    })
  })

  it('have the images of ephemeral containers and image volumes', () => {
    const text = `
kind: Pod
spec:
  ephemeralContainers: [{ name: debug, image: r.test/debug:1 }]
  volumes:
    - { name: model, image: { reference: "r.test/model:3", pullPolicy: Always } }
    - { name: tmp, emptyDir: {} }
`
    expect(Object.keys(images(text))).toEqual(['r.test/debug:1', 'r.test/model:3'])
  })

  it('are found in a List and in nested lists', () => {
    const text = JSON.stringify({
      kind: 'List',
      items: [
        { kind: 'Pod', spec: { containers: [{ image: 'r.test/a:1' }] } },
        { kind: 'PodList', items: [{ spec: { containers: [{ image: 'r.test/b:1' }] } }] },
      ],
    })
    expect(images(text)).toEqual({
      'r.test/a:1': 'file.yaml: items[0].spec.containers[0].image',
      'r.test/b:1': 'file.yaml: items[1].items[0].spec.containers[0].image',
    })
  })

  it('have images if they are custom resources, also in pod templates and environment variables', () => {
    const text = `
kind: Prometheus
spec:
  image: r.test/prometheus:v3
  imageName: r.test/postgres:16
  sidecarImage: r.test/sidecar:2
  server: { podTemplate: { spec: { containers: [{ image: r.test/server:1 }] } } }
  env: [{ name: RELATED_IMAGE_PROXY, value: r.test/proxy:1 }, { name: IMAGE_POLICY, value: always }]
`
    expect(Object.keys(images(text)).toSorted()).toEqual([
      'r.test/postgres:16',
      'r.test/prometheus:v3',
      'r.test/proxy:1',
      'r.test/server:1',
      'r.test/sidecar:2',
    ])
  })

  it('have the digest that a node runs, unless it is the digest of a config', () => {
    const text = JSON.stringify({
      kind: 'Pod',
      spec: { containers: [{ image: 'r.test/a:1' }] },
      status: {
        containerStatuses: [
          { image: `sha256:${'f'.repeat(64)}`, imageID: `docker-pullable://r.test/a@${oneDigest}` },
          { image: 'r.test/b:1', imageID: `r.test/b@${otherDigest}` },
          { image: 'r.test/c:1', imageID: oneDigest },
          { image: 'r.test/c:1', imageID: `docker://${oneDigest}` },
          { image: 'r.test/c:1', imageID: 'a'.repeat(64) },
          { image: 'r.test/c:1', imageID: '' },
        ],
        initContainerStatuses: [{ image: 'r.test/d:1', imageID: `r.test/d@${oneDigest}` }],
      },
    })
    expect(Object.keys(images(text))).toEqual([
      'r.test/a:1',
      `r.test/a@${oneDigest}`,
      `r.test/b@${otherDigest}`,
      `r.test/d@${oneDigest}`,
    ])
  })

  it('that patch an image have the new one', () => {
    const text = `- { op: replace, path: /spec/template/spec/containers/0/image, value: "r.test/a:2" }`
    expect(Object.keys(images(text))).toEqual(['r.test/a:2'])
  })

  it('may have no image if others have one', () => {
    const text = `kind: Service\nspec: { ports: [{ port: 80 }] }\n---\n# nothing here\n---\n${cronJob}`
    expect(Object.keys(images(text))).toHaveLength(1)
  })

  it.each([
    ['', 'it is empty'],
    [' ', 'it is empty'],
    ['{{ .Values.image }}', 'contains an unresolved template'],
    ['r.test/a:${TAG}', 'contains an unresolved variable'],
    ['R.test/A:1', 'is not an image reference'],
    ['r.test/a:1 ', 'is not an image reference'],
    ['https://r.test/a:1', 'is not an image reference'],
    ['r.test/a@sha256:12', 'is not an image reference'],
  ])('are an error with the place for the image %j', (image, what) => {
    const text = JSON.stringify({ spec: { containers: [{ image: 'r.test/a:1' }, { image }] } })
    expect(errorIn(text).why).toContain(`file.yaml: spec.containers[1].image: `)
    expect(errorIn(text).why).toContain(what)
  })

  it('are an error if a rendered image is empty', () => {
    expect(errorIn('spec:\n  containers:\n    - image:\n      name: a').why).toContain('containers[0].image')
  })

  it('report all problems at once', () => {
    const error = errorIn(JSON.stringify({ containers: [{ image: '' }, { image: 'A' }] }))
    expect(error.details).toEqual([
      'file.yaml: containers[0].image: it is empty',
      'file.yaml: containers[1].image: "A" is not an image reference',
    ])
  })

  it('may have labels named image, and annotations with images', () => {
    const text = `
metadata:
  labels: { image: Not A Reference }
  annotations: { sidecar.istio.io/proxyImage: "r.test/proxy:1", image: "r.test/note:1" }
`
    expect(Object.keys(images(text))).toEqual(['r.test/proxy:1', 'r.test/note:1'])
  })

  it('ignore the URL of a picture', () => {
    expect(images('image: https://example.com/logo.png\nspec: { image: r.test/a:1 }')).toEqual({
      'r.test/a:1': 'file.yaml: spec.image',
    })
  })
})
