import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DrayError } from '../../src/errors.ts'
import { ImageCollection } from '../../src/inuse/gather-images.ts'
import { parseDocuments } from '../../src/inuse/documents.ts'
import { referencesIn } from '../../src/inuse/references-in.ts'
import { formatReference } from '../../src/oci/reference.ts'

const hex = (digit: string): string => digit.repeat(64)
const digest = `sha256:${hex('a')}`

function collect(text: string): ImageCollection {
  const collection = new ImageCollection()
  for (const { value, where } of parseDocuments(text, 'f.yaml')) collection.add(referencesIn(value, where))
  return collection
}

/** The references in a text, whole. */
function found(text: string): readonly string[] {
  return collect(text)
    .images()
    .map(({ reference }) => formatReference(reference))
}

/** Where they stand. */
function places(text: string): readonly string[] {
  return collect(text)
    .images()
    .map(({ by }) => by)
}

function failure(text: string): DrayError {
  try {
    const names = found(text)
    throw new Error(`no error, but ${names.join()}`)
  } catch (thrown) {
    if (thrown instanceof DrayError) return thrown
    throw thrown
  }
}

describe('Kubernetes', () => {
  it('names the images of a Deployment, of its init containers and of image volumes, with their places', () => {
    const text = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: api, namespace: shop, labels: { image: "not an image" } }
spec:
  template:
    metadata: { labels: { image: "Not One" }, annotations: { image: "" } }
    spec:
      initContainers: [{ name: migrate, image: "r.example.com/shop/migrate:3" }]
      containers:
        - { name: api, image: r.example.com/shop/api:1.4.2@${digest} }
        - { name: proxy, image: nginx }
      ephemeralContainers: [{ name: debug, image: busybox }]
      volumes: [{ name: model, image: { reference: "r.example.com/models/m:7", pullPolicy: Always } }]
`
    expect(found(text)).toEqual([
      'r.example.com/shop/migrate:3',
      `r.example.com/shop/api:1.4.2@${digest}`,
      'docker.io/library/nginx:latest',
      'docker.io/library/busybox:latest',
      'r.example.com/models/m:7',
    ])
    expect(places(text)).toContain('f.yaml: spec.template.spec.containers[0].image')
    expect(places(text)).toContain('f.yaml: spec.template.spec.volumes[0].image.reference')
  })

  it.each([
    ['Pod', 'spec: { containers: [{ image: a:1 }] }'],
    ['ReplicaSet', 'spec: { template: { spec: { containers: [{ image: a:1 }] } } }'],
    ['CronJob', 'spec: { jobTemplate: { spec: { template: { spec: { containers: [{ image: a:1 }] } } } } }'],
    ['PodTemplate', 'template: { spec: { containers: [{ image: a:1 }] } }'],
    ['Workflow', 'spec: { templates: [{ container: { image: a:1 } }] }'],
    ['Prometheus', 'spec: { image: a:1 }'],
    ['Cluster', 'spec: { imageName: a:1 }'],
    ['Tenant', 'spec: { sidecarImage: a:1 }'],
    ['Operator', 'spec: { containers: [{ env: [{ name: RELATED_IMAGE_X, value: "a:1" }] }] }'],
  ])('names the image of a %s', (kind, body) => {
    expect(found(`apiVersion: v1\nkind: ${kind}\n${body}\n`)).toEqual(['docker.io/library/a:1'])
  })

  it('goes through lists, and through streams of documents', () => {
    const pod = (image: string): string =>
      `apiVersion: v1\nkind: Pod\nspec: { containers: [{ image: "${image}" }] }\n`
    const list =
      'apiVersion: v1\nkind: List\nitems: [{ apiVersion: v1, kind: Pod, spec: { containers: [{ image: c:3 }] } }]\n'
    const text = `# all of it\n---\n${pod('a:1')}---\n---\n# empty\n---\n${pod('b:2')}---\n${list}...\n`
    expect(found(text)).toEqual(['docker.io/library/a:1', 'docker.io/library/b:2', 'docker.io/library/c:3'])
    expect(places(text).at(-1)).toMatch(/^f\.yaml, document \d: items\[0\]\.spec\.containers\[0\]\.image$/)
  })

  it('takes from the status of a pod the digest that runs, in the repository that it was asked from too', () => {
    const text = `
apiVersion: v1
kind: Pod
spec: { containers: [{ image: "r.example.com/api:1" }] }
status:
  image: no Image
  containerStatuses:
    - { image: "r.example.com/api:1", imageID: "docker-pullable://mirror.example.com/api@${digest}" }
    - { image: "sha256:${hex('b')}", imageID: "r.example.com/web@sha256:${hex('c')}" }
    - { image: "r.example.com/old:2", imageID: "sha256:${hex('d')}" }
    - { image: "r.example.com/old:3", imageID: "docker://sha256:${hex('e')}" }
    - { image: "", imageID: "" }
`
    expect(found(text)).toEqual([
      'r.example.com/api:1',
      `mirror.example.com/api@${digest}`,
      `r.example.com/api@${digest}`,
      `r.example.com/web@sha256:${hex('c')}`,
      'r.example.com/old:2',
      'r.example.com/old:3',
    ])
  })

  it('sees none in a definition of a custom resource, a Secret, or what says image and means a picture', () => {
    const text = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec: { properties: { image: { type: string, default: "a:1" }, containers: { type: array }, tag: { type: string } } }
---
apiVersion: v1
kind: Secret
data: { image: aW1hZ2U= }
---
apiVersion: v1
kind: ConfigMap
data: { image: Some Text, logo: "image: x" }
---
dashboard: { image: "https://example.com/logo.png" }
`
    expect(found(text)).toEqual([])
  })

  it('reads the values in a ConfigMap that a release is made of', () => {
    const text = `
apiVersion: v1
kind: ConfigMap
data:
  values.yaml: |
    image: { repository: r.example.com/api, tag: 1.10.0 }
`
    expect(found(text)).toEqual(['r.example.com/api:1.10.0'])
    expect(places(text)).toEqual(['f.yaml: data["values.yaml"]: image'])
  })

  it.each([
    ['image: ""', 'malformed', 'it is empty'],
    ['image:', 'malformed', 'it is empty'],
    ['image: "{{ .Values.image }}"', 'refused', 'template'],
    ['image: "r.example.com/api:${TAG}"', 'refused', 'TAG'],
    ['image: R.example.com/API:1', 'malformed', 'lower case'],
    ['image: a b', 'malformed', 'not a reference'],
    ['image: ENC[AES256_GCM,data:x]', 'refused', 'encrypted'],
    ['image: !vault secret', 'refused', '!vault'],
    [`image: sha256:${hex('a')}`, 'refused', 'config'],
  ])('refuses a container with %s, and says where', (image, code, why) => {
    const error = failure(`kind: Pod\nspec:\n  containers:\n    - name: x\n      ${image}\n`)
    expect(error.code).toBe(code)
    expect(error.message).toContain('f.yaml: spec.containers[0].image')
    expect(`${error.message} ${error.why}`).toContain(why)
    expect(error.hint).toBeDefined()
  })
})

describe('Compose', () => {
  it('names the images of all services, whatever their profiles, and of image volumes', () => {
    const text = `
name: shop
x-base: &base
  restart: always
  image: r.example.com/base:\${BASE_TAG:-1.2}
services:
  web: { <<: *base, profiles: [debug] }
  api: { build: ., image: "r.example.com/api:\${TAG-2}" }
  built: { build: . }
  db:
    image: \${REGISTRY:-\${MIRROR:-docker.io}}/postgres:17
    volumes: [{ type: image, source: "r.example.com/data:1", target: /d }, { type: bind, source: ./x, target: /x }]
`
    expect(found(text)).toEqual([
      'r.example.com/base:1.2',
      'r.example.com/api:2',
      'docker.io/library/postgres:17',
      'r.example.com/data:1',
    ])
  })

  it.each([
    ['${TAG}', 'TAG'],
    ['${TAG:?say it}', 'TAG'],
    ['${TAG:+x}', 'TAG'],
    ['$TAG', 'TAG'],
    ['${A:-${B}}', 'B'],
  ])('refuses %s, whose value is elsewhere, and names the variable', (tag, name) => {
    const error = failure(`services: { a: { image: "r.example.com/a:${tag}" } }`)
    expect(error.code).toBe('refused')
    expect(error.message).toBe(`f.yaml: services.a.image: the variable ${name} is not known`)
  })

  it.each(['${', '${TAG', '${1X}', '$', '${A!}'])('refuses %s, which is no variable', (tag) => {
    expect(failure(`services: { a: { image: "a:${tag}" } }`).code).toBe('malformed')
  })

  it('refuses defaults within defaults without end', () => {
    const deep = `${'${A:-'.repeat(5000)}x${'}'.repeat(5000)}`
    expect(failure(`services: { a: { image: "a:${deep}" } }`).code).toBe('malformed')
  })
})

describe('kustomize', () => {
  it('names new images, by tag as it is written and by digest', () => {
    const text = `
kind: Kustomization
images:
  - { name: nginx, newTag: 1.10 }
  - { name: api, newName: r.example.com/shop/api, newTag: "2" }
  - { name: web, newName: r.example.com/web, digest: "${digest}" }
  - { name: same, newName: same }
`
    expect(found(text)).toEqual([
      'docker.io/library/nginx:1.10',
      'r.example.com/shop/api:2',
      `r.example.com/web@${digest}`,
    ])
  })

  it('puts a new name before the tags that the old one has', () => {
    const text = `
kind: Kustomization
images: [{ name: r.old:5000/api, newName: r.new/api }, { name: APP_IMAGE, newName: r.new/app, newTag: 3 }]
---
kind: Pod
spec: { containers: [{ image: "r.old:5000/api:1" }, { image: "r.old:5000/api@${digest}" }, { image: APP_IMAGE }] }
`
    expect(found(text)).toEqual([
      'r.new/app:3',
      'r.old:5000/api:1',
      `r.old:5000/api@${digest}`,
      'r.new/api:1',
      `r.new/api@${digest}`,
    ])
  })

  it('refuses a new name where no file says the tag', () => {
    const error = failure('kind: Kustomization\nimages: [{ name: api, newName: r.new/api }]\n')
    expect([error.code, error.message]).toEqual([
      'refused',
      'f.yaml: images[0]: which image of r.new/api runs cannot be known',
    ])
  })

  it('reads patches within it, by parts and by operations', () => {
    const text = `
kind: Kustomization
patches:
  - patch: |
      - { op: replace, path: /spec/template/spec/containers/0/image, value: "a:1" }
      - { op: test, path: /spec/image, value: "Not One" }
  - patch: |
      kind: Deployment
      spec: { template: { spec: { containers: [{ name: x }, { name: y, image: "b:2" }] } } }
  - path: other.yaml
patchesStrategicMerge:
  - other.yaml
  - |
    spec: { containers: [{ image: "c:3" }] }
`
    expect(found(text)).toEqual(['a:1', 'b:2', 'c:3'].map((name) => `docker.io/library/${name}`))
  })
})

describe('values of a chart', () => {
  it.each([
    ['repository and tag', 'image: { repository: r.io/a, tag: "1" }', ['r.io/a:1']],
    ['a registry apart', 'image: { registry: r.io, repository: x/a, tag: v1 }', ['r.io/x/a:v1']],
    ['a digest', `image: { repository: r.io/a, tag: "", digest: "${digest}" }`, [`r.io/a@${digest}`]],
    ['both', `image: { repository: r.io/a, tag: 1.2.3, digest: "${digest}" }`, [`r.io/a:1.2.3@${digest}`]],
    ['a string', 'web: { image: "r.io/a:1" }', ['r.io/a:1']],
    ['a map by another key', 'a: { b: [{ repository: r.io/a, tag: x }] }', ['r.io/a:x']],
    ['a key that ends in Image', 'initImage: { repository: r.io/a, tag: x }', ['r.io/a:x']],
    ['a tag beside the name', 'image: r.io/a\nimageTag: "3"', ['r.io/a:3']],
    [
      'all beside',
      `c: { registry: r.io, image: x/a, tag: v1, digest: "${digest}" }`,
      [`r.io/x/a:v1@${digest}`],
    ],
    ['name and tag', 'image: { name: r.io/a, tag: x }', ['r.io/a:x']],
    ['a chart as an artifact', 'c: { repository: "oci://r.io/charts/a", tag: x }', ['r.io/charts/a:x']],
    ['a date', 'image: { repository: r.io/a, tag: 2026-01-02 }', ['r.io/a:2026-01-02']],
    ['a hash that looks like a number', 'image: { repository: r.io/a, tag: "1e5" }', ['r.io/a:1e5']],
    ['a number in quotes', 'image: { repository: r.io/a, tag: "1.10" }', ['r.io/a:1.10']],
    ['a git repository, which is none', 'src: { repository: "https://x/y.git", tag: v1 }', []],
    ['nothing said', 'image: { repository: "", tag: "" }', []],
    ['a schema', 'image: { repository: { type: string }, tag: { type: string } }', []],
  ])('are read: %s', (_name, text, expected) => {
    expect(found(text)).toEqual(expected)
  })

  it('keep 1.10 as it is written, and as the 1.1 that Helm makes of it', () => {
    expect(found('image: { repository: r.io/a, tag: 1.10 }')).toEqual(['r.io/a:1.10', 'r.io/a:1.1'])
    expect(found('image: { repository: r.io/a, tag: 0123 }')).toEqual(['r.io/a:0123', 'r.io/a:123'])
    expect(found('image: { repository: r.io/a, tag: 7 }')).toEqual(['r.io/a:7'])
  })

  it('name an image under the registry for all as well', () => {
    const text =
      'global: { imageRegistry: mirror.io }\nredis: { image: { registry: docker.io, repository: b/redis, tag: "7" } }'
    expect(found(text)).toEqual(['docker.io/b/redis:7', 'mirror.io/b/redis:7'])
  })

  it.each([
    ['an empty tag', 'image: { repository: r.io/a, tag: "" }', 'f.yaml: image.tag'],
    ['a tag that is null', 'image: { repository: r.io/a, tag: }', 'f.yaml: image.tag'],
    ['no tag', 'image: { repository: r.io/a, pullPolicy: Always }', 'f.yaml: image.tag'],
    ['an empty tag under another key', 'a: { repository: r.io/a, tag: "" }', 'f.yaml: a.tag'],
    ['no repository', 'api: { image: { tag: "1.2" } }', 'f.yaml: api.image'],
    ['a template', 'image: { repository: "{{ .x }}", tag: "1.2" }', 'f.yaml: image:'],
    ['an empty text', 'image: ""', 'f.yaml: image'],
    ['an empty tag beside the name', 'image: r.io/a\ntag: ""', 'f.yaml: tag'],
  ])('are refused with %s, for it is left to the chart', (_name, text, where) => {
    const error = failure(text)
    expect(error.message).toContain(where)
    expect(error.hint).toBeDefined()
  })

  it('are found in an Application of Argo CD, as text, as a map and as parameters', () => {
    const text = `
apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  source:
    repoURL: https://charts.example.com
    helm:
      values: |
        image:
          repository: r.io/a
          tag: 1.20.0
      valuesObject: { image: { repository: r.io/b, tag: "2" } }
      parameters: [{ name: image.repository, value: r.io/c }, { name: image.tag, value: "3" }, { name: __proto__.x, value: y }]
    kustomize: { images: ["web=r.io/d:4", "r.io/e:5"] }
`
    expect(found(text)).toEqual(['r.io/a:1.20.0', 'r.io/b:2', 'r.io/c:3', 'r.io/d:4', 'r.io/e:5'])
  })

  it('are found in a HelmRelease of Flux', () => {
    const text =
      'apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: { values: { image: { repository: r.io/a, tag: v1 } } }'
    expect(found(text)).toEqual(['r.io/a:v1'])
  })
})

describe('text that is no honest YAML', () => {
  it.each([
    ['a key twice', 'image: a:1\nimage: b:2\n'],
    ['bytes', 'a\0b'],
    ['one text', 'just some words'],
    ['an alias of nothing', 'a: *b'],
    ['a template', '{{- if .Values.x }}\nimage: a:1\n{{- end }}\n'],
    ['a template in the place of a value', 'image: {{ .Values.image }}\n'],
    ['a bracket that stays open', 'a: [1, 2'],
    ['brackets without end', '['.repeat(50_000)],
    [
      'aliases that grow',
      `a: &a [x]\n${'bcdefgh'.replaceAll(/./g, (c) => `${c}: &${c} [${Array.from({ length: 9 }, () => `*${String.fromCodePoint((c.codePointAt(0) ?? 0) - 1)}`).join()}]\n`)}`,
    ],
    ['levels without end', Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ])('is refused: %s', (_name, text) => {
    const error = failure(text)
    expect(error.code).toBe('malformed')
    expect(error.message).toContain('f.yaml')
  })

  it('is told to be filled in first where it is a template', () => {
    expect(failure('image: {{ .Values.image }}\n').hint).toContain('helm template … | dray prune --in-use -')
  })

  it('is larger than 16 MiB', () => {
    expect(failure(`# ${'x'.repeat(16 * 1024 * 1024)}`).message).toContain('larger')
  })

  it('goes in a circle, and is gone through once', () => {
    expect(found('a: &a { b: *a, image: "x:1" }')).toEqual(['docker.io/library/x:1'])
  })
})

describe('whatever a document holds', () => {
  const words = [
    'image',
    'images',
    'containers',
    'services',
    'repository',
    'tag',
    'digest',
    'registry',
    'name',
    'newName',
    'newTag',
    'helm',
  ]
  const more = [
    'values',
    'parameters',
    'kustomize',
    'patch',
    'patches',
    'op',
    'path',
    'status',
    'containerStatuses',
    'imageID',
    'env',
  ]
  const kinds = [
    'kind',
    'apiVersion',
    'metadata',
    'global',
    'imageRegistry',
    'imageTag',
    'data',
    'values.yaml',
    '__proto__',
    'x',
  ]
  const texts = [
    'a:1',
    '',
    'r.io/a',
    '${T}',
    '${T:-1}',
    '{{ x }}',
    '/image',
    'Pod',
    'ConfigMap',
    'image: x:1',
    '1.10',
    '~',
    'No',
  ]
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      fc.constantFrom(...texts),
      fc.dictionary(fc.constantFrom(...words, ...more, ...kinds), tie('node'), { maxKeys: 6 }),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.constantFrom(null, 1.5, true),
    ),
  }))

  it('the answer is one of ours, and no error of the program', () => {
    const errorOf = (text: string): unknown => {
      try {
        found(text)
        return undefined
      } catch (thrown) {
        return thrown
      }
    }
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...words, ...more, ...kinds), node), (value) => {
        const error = errorOf(JSON.stringify(value))
        expect(error === undefined || error instanceof DrayError).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('an image in a container is found, or the document is refused', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...words, ...more), node), (value) => {
        const pod = { kind: 'Pod', spec: { containers: [{ image: 'r.io/mine:1' }], more: value } }
        try {
          expect(found(JSON.stringify(pod))).toContain('r.io/mine:1')
        } catch (thrown) {
          if (!(thrown instanceof DrayError)) throw thrown
        }
      }),
      { numRuns: 1000 },
    )
  })
})
