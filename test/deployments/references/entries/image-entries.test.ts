import { describe, expect, it } from 'vitest'
import { parseRepository } from '../../../../src/oci/reference.ts'
import { entriesIn, entryIn, newDigest, oldDigest, shortPlace } from '../../../support/image-entries.ts'

/** Names, tags and positions of the entries. */
function listed(text: string, name?: string): readonly string[] {
  return entriesIn(text, name).entries.map(
    ({ names, tag, place }) => `${names.join('|')}:${tag ?? ''} at ${shortPlace(place)}`,
  )
}

const skipped = (text: string): readonly string[] =>
  entriesIn(text).skipped.map(({ by, what }) => `${by}: ${what}`)

describe('entries of manifests', () => {
  it('have the number of the document and the position of each container', () => {
    const text = `
kind: Service
---
kind: Deployment
spec: { template: { spec: { initContainers: [{ image: r.test/b:1 }], containers: [{ image: r.test/a:2 }] } } }
---
kind: CronJob
spec: { jobTemplate: { spec: { template: { spec: { containers: [{ image: "r.test/c@${oldDigest}" }] } } } } }
`
    expect(listed(text)).toEqual([
      'r.test/b:1 at 2: spec.template.spec.initContainers.0.image',
      'r.test/a:2 at 2: spec.template.spec.containers.0.image',
      'r.test/c: at 3: spec.jobTemplate.spec.template.spec.containers.0.image',
    ])
  })

  it('include image volumes, environment variables of operators and patches', () => {
    const text = `
spec:
  volumes: [{ name: model, image: { reference: r.test/model:3 } }]
  containers: [{ image: r.test/a:1, env: [{ name: RELATED_IMAGE_PROXY, value: r.test/proxy:1 }] }]
patches: [{ patch: "- { op: replace, path: /spec/containers/0/image, value: r.test/b:1 }" }]
`
    expect(listed(text)).toEqual([
      'r.test/model:3 at spec.volumes.0.image.reference',
      'r.test/a:1 at spec.containers.0.image',
      'r.test/proxy:1 at spec.containers.0.env.0.value',
      'r.test/b:1 at patches.0.patch > 0.value',
    ])
  })

  it('do not include labels, annotations and statuses', () => {
    const text = `
kind: Pod
metadata: { labels: { image: r.test/a:1 }, annotations: { former-image: r.test/a:0 } }
spec: { containers: [{ image: r.test/a:1 }] }
status: { containerStatuses: [{ image: r.test/a:1, imageID: "r.test/a@${oldDigest}" }], image: r.test/a:1 }
`
    expect(listed(text)).toEqual(['r.test/a:1 at spec.containers.0.image'])
  })

  it('are at each place that reads an alias', () => {
    const text =
      'a: &a { image: r.test/a:1 }\nb: *a\nc: { <<: *a }\nd: { image: &i r.test/b:1 }\ne: { image: *i }'
    expect(listed(text)).toEqual([
      'r.test/a:1 at a.image',
      'r.test/a:1 at b.image',
      'r.test/a:1 at c.image',
      'r.test/b:1 at d.image',
      'r.test/b:1 at e.image',
    ])
  })

  it('of too many aliases are refused', () => {
    const images = Array.from({ length: 200 }, (_, i) => `{ image: r.test/a:${i} }`).join(', ')
    const repeated = Array.from({ length: 200 }, (_, i) => `k${i}: *a`).join('\n')
    expect(() => entriesIn(`a: &a [${images}]\n${repeated}`)).toThrow('file.yaml has more than 20000 images')
  })

  it.each([
    ['nginx:1.27', 'docker.io/library/nginx'],
    ['acme/api:1', 'docker.io/acme/api'],
    ['docker.io/acme/api:1', 'docker.io/acme/api'],
    ['docker://r.test/team/api:1', 'r.test/team/api'],
    ['r.test:5000/team/api:1', 'r.test:5000/team/api'],
    ['localhost/team/api:1', 'localhost/team/api'],
    ['r.test/evil/team/api:1', 'r.test/evil/team/api'],
    ['r.test/team/api2:1', 'r.test/team/api2'],
    ['mirror.test/r.test/team/api:1', 'mirror.test/r.test/team/api'],
  ])('name the repository of %s', (image, repository) => {
    const { names, written } = entryIn(`image: ${image}`)
    const parsed = names.map((name) => parseRepository(name))
    expect(parsed.map(({ registry, path }) => `${registry}/${path}`)).toEqual([repository])
    expect(written.image).toBe(image)
  })

  it.each([
    ['image: r.test/a:${TAG}', 'contains a variable'],
    ['image: r.test/a:${TAG:-1.2}', 'contains a variable'],
    ['image: $REGISTRY/a:1', 'contains a variable'],
    ['image: "{{ .Values.image }}"', 'contains a template'],
    ['image: "r.test/a:{{ .Values.tag }}"', 'contains a template'],
    ['image: R.test/A:1', 'is not an image reference'],
    ['image: "r.test/a:1 "', 'is not an image reference'],
    ['containers: [{ image: }]', 'it is empty'],
    ['patches: [{ patch: "image: {{ x }}" }]', 'is not YAML'],
    ['[{ op: replace, path: /spec/values/image/tag, value: v2 }]', 'patches a part of an image'],
  ])('skip %s with the position and the reason', (text, reason) => {
    expect(listed(text)).toEqual([])
    expect(skipped(text)).toEqual([expect.stringContaining(reason)])
    expect(skipped(text)[0]).toMatch(/^file\.yaml: ./)
  })
})

describe('entries of Compose files', () => {
  it('are the images of services and mounted images', () => {
    const text = `
services:
  api: { image: "r.test/api:1" }
  ml: { image: r.test/ml:2, volumes: [{ type: image, source: "r.test/weights:7", target: /w }] }
  built: { build: . }
`
    expect(listed(text)).toEqual([
      'r.test/api:1 at services.api.image',
      'r.test/ml:2 at services.ml.image',
      'r.test/weights:7 at services.ml.volumes.0.source',
    ])
  })

  it('skip the name of an image that Compose builds', () => {
    const text = 'services: { a: { build: ., image: r.test/a:1 }, b: { image: r.test/b:1 } }'
    expect(listed(text)).toEqual(['r.test/b:1 at services.b.image'])
    expect(skipped(text)).toEqual(['file.yaml: services.a.image: Compose builds it'])
  })

  it('skip images with variables, also with a default', () => {
    const text = 'services: { a: { image: "r.test/a:${TAG:-1.2}" }, b: { image: r.test/b:1 } }'
    expect(listed(text)).toEqual(['r.test/b:1 at services.b.image'])
    expect(skipped(text)).toEqual(['file.yaml: services.a.image: "r.test/a:${TAG:-1.2}" contains a variable'])
  })
})

describe('entries of kustomizations', () => {
  it('have the new name, or the name if there is none', () => {
    const text = `
kind: Kustomization
images:
  - { name: api, newName: r.test/team/api, newTag: "1" }
  - { name: r.test/team/web, newTag: "2" }
  - name: r.test/team/cron
`
    expect(listed(text)).toEqual([
      'r.test/team/api:1 at images.0',
      'r.test/team/web:2 at images.1',
      'r.test/team/cron: at images.2',
    ])
    expect(entriesIn(text).entries.map(({ replaces }) => replaces)).toEqual([
      'api',
      'r.test/team/web',
      'r.test/team/cron',
    ])
  })

  it('may have no kind if the file has the name of a kustomization', () => {
    const text = 'images: [{ name: r.test/a }]'
    expect(listed(text, 'apps/kustomization.yaml')).toEqual(['r.test/a: at images.0'])
    expect(listed(text, 'apps/other.yaml')).toEqual([])
  })

  it('split a digest behind a tag', () => {
    const entry = entryIn(`images: [{ name: r.test/a, newTag: "1.4.2@${oldDigest}" }]`)
    expect(entry).toMatchObject({ tag: '1.4.2', digest: oldDigest })
  })

  it('are the last of one name, because kustomize applies it last', () => {
    const text = 'images: [{ name: r.test/a, newTag: "1" }, { name: r.test/a, newTag: "2" }]'
    expect(listed(text)).toEqual(['r.test/a:2 at images.1'])
    expect(skipped(text)).toEqual(['file.yaml: images[0]: another entry of the same name replaces it'])
  })

  it('are the first of one name that changes the name: the later ones match nothing', () => {
    const text =
      'images: [{ name: a, newTag: "0" }, { name: a, newName: r.test/a, newTag: "1" }, { name: a, newTag: "2" }]'
    expect(listed(text)).toEqual(['r.test/a:1 at images.1'])
    expect(skipped(text)).toHaveLength(2)
  })

  it('of the same name in two lists are independent', () => {
    const text =
      'a: { images: [{ name: r.test/a, newTag: "1" }] }\nb: { images: [{ name: r.test/a, newTag: "2" }] }'
    expect(listed(text)).toHaveLength(2)
  })

  it('are found in a Kustomization of Flux', () => {
    const text = 'kind: Kustomization\nspec: { images: [{ name: api, newName: r.test/api, newTag: v1 }] }'
    expect(listed(text)).toEqual(['r.test/api:v1 at spec.images.0'])
  })

  it('do not include lists of other objects with names', () => {
    expect(listed('kind: Gallery\nspec: { images: [{ name: photo }, { name: other }] }')).toEqual([])
  })
})

describe('entries of Helm values', () => {
  it.each([
    ['image: { repository: r.test/a, tag: v1 }', 'r.test/a:v1 at image'],
    ['image: { registry: r.test, repository: team/a, tag: v1 }', 'r.test/team/a:v1 at image'],
    ['image: { registry: "r.test:5000", repository: a, tag: v1 }', 'r.test:5000/a:v1 at image'],
    ['image: { repo: r.test/a, tag: v1 }', 'r.test/a:v1 at image'],
    ['image: { name: r.test/a, tag: v1 }', 'r.test/a:v1 at image'],
    ['worker: { repository: r.test/a, tag: v1 }', 'r.test/a:v1 at worker'],
    ['initImage: { repository: r.test/a, tag: "" }', 'r.test/a: at initImage'],
    ['image: { repository: r.test/a, tag: }', 'r.test/a: at image'],
    ['image: r.test/a\ntag: v1', 'r.test/a:v1 at '],
    ['web: { image: r.test/a, imageTag: v1 }', 'r.test/a:v1 at web'],
    ['apiImage: { image: r.test/a, tag: v1 }', 'r.test/a:v1 at apiImage'],
    ['image: "r.test/a:v1"', 'r.test/a:v1 at image'],
    ['image: { repository: "r.test/a:v1" }', 'r.test/a:v1 at image.repository'],
    ['image: { registry: r.test, repository: "team/a:v1" }', 'r.test/team/a:v1 at image.repository'],
    ['image: { repository: "oci://r.test/a", tag: v1 }', 'r.test/a:v1 at image'],
    ['images: { web: "r.test/a:v1" }', 'r.test/a:v1 at images.web'],
  ])('of the shape %s', (text, expected) => {
    expect(listed(text)).toEqual([expected])
  })

  it('have both names with a registry for all images', () => {
    const text = 'global: { imageRegistry: m.test }\nimage: { registry: r.test, repository: a, tag: v1 }'
    expect(listed(text)).toEqual(['r.test/a|m.test/a:v1 at image'])
  })

  it('have the tag that Helm makes of a number', () => {
    expect(entryIn('image: { repository: r.test/a, tag: 1.10 }')).toMatchObject({
      tag: '1.10',
      tagOfNumber: '1.1',
    })
    expect(entryIn('image: { repository: r.test/a, tag: 7 }')).not.toHaveProperty('tagOfNumber')
    expect(entryIn('image: { repository: r.test/a, tag: "1.10" }')).not.toHaveProperty('tagOfNumber')
  })

  it.each([
    [`{ repository: r.test/a, tag: v1, digest: "${oldDigest}" }`, 'v1'],
    [`{ repository: r.test/a, tag: v1, sha: "${'1'.repeat(64)}" }`, 'v1'],
    [`{ repository: r.test/a, tag: "v1@${oldDigest}" }`, 'v1'],
    [`{ repository: r.test/a, tag: "${oldDigest}" }`, undefined],
    [`{ repository: r.test/a, tag: "@${oldDigest}" }`, undefined],
    [`{ image: r.test/a, digest: "${oldDigest}" }`, undefined],
  ])('have the digest with its algorithm in %s', (text, tag) => {
    const entry = entryIn(`image: ${text}`)
    expect(entry.digest).toBe(oldDigest)
    expect(entry.tag).toBe(tag)
  })

  it.each([
    ['image: { tag: v2 }', 'without a repository'],
    ['image: { repository: "{{ .Values.a }}", tag: v1 }', 'contains a template'],
    ['image: { repository: r.test/a, tag: "{{ .Values.a }}" }', 'contains a template'],
    ['image: { repository: "r.test/a:v1", tag: "" }', 'its repository has a tag'],
    ['image: { repository: r.test/a, tag: "a b" }', 'is not a tag'],
    ['image: { repository: r.test/a, tag: v1, sha: abc123 }', 'is not a digest'],
    ['image: { repository: R.test/A, tag: v1 }', 'is not a repository'],
  ])('skip %s', (text, reason) => {
    expect(listed(text)).toEqual([])
    expect(skipped(text)).toEqual([expect.stringContaining(reason)])
  })
})

describe('entries of an Argo CD Application', () => {
  const application = (helm: object): string => JSON.stringify({ spec: { source: { helm } } })

  it('are in the text of its values, with the document of the text', () => {
    const values = 'image:\n  repository: r.test/a\n  tag: "1"\n---\nother: { image: "r.test/b:2" }\n'
    expect(listed(application({ values }))).toEqual([
      'r.test/a:1 at spec.source.helm.values > image',
      'r.test/b:2 at spec.source.helm.values > 2: other.image',
    ])
  })

  it('have the position of a parameter that overrides a value', () => {
    const text = application({
      values: 'image:\n  repository: r.test/a\n  tag: "1"\n',
      parameters: [
        { name: 'other', value: 'x' },
        { name: 'image.tag', value: '2' },
      ],
    })
    const { tag, fields, place } = entryIn(text)
    expect(tag).toBe('2')
    expect(fields.tag && shortPlace(fields.tag)).toBe('spec.source.helm.parameters.1.value')
    expect(shortPlace(place)).toBe('spec.source.helm.values > image')
  })

  it('can be in parameters alone', () => {
    const parameters = [
      { name: String.raw`a\.b.image.repository`, value: 'r.test/a' },
      { name: String.raw`a\.b.image.tag`, value: '1' },
    ]
    const { names, fields } = entryIn(application({ parameters }))
    expect(names).toEqual(['r.test/a'])
    expect(fields.tag && shortPlace(fields.tag)).toBe('spec.source.helm.parameters.1.value')
  })

  it('are in the map of its values, and not in the text that Argo CD ignores then', () => {
    const text = application({
      values: 'image: { repository: r.test/old, tag: "1" }',
      valuesObject: { image: { repository: 'r.test/a', tag: '2' } },
    })
    expect(listed(text)).toEqual(['r.test/a:2 at spec.source.helm.valuesObject.image'])
  })

  it('are the images of kustomize, with the name that they replace', () => {
    const text = 'spec: { source: { kustomize: { images: ["base=r.test/web:2", r.test/cron:5, r.test/x] } } }'
    expect(listed(text)).toEqual([
      'r.test/web:2 at spec.source.kustomize.images.0',
      'r.test/cron:5 at spec.source.kustomize.images.1',
      'r.test/x: at spec.source.kustomize.images.2',
    ])
    expect(entriesIn(text).entries[0]?.replaces).toBe('base')
  })

  it('of an ApplicationSet are its elements, and not its templates', () => {
    const text = `
kind: ApplicationSet
spec:
  generators:
    - list:
        elements:
          - { cluster: dev, image: "r.test/a:1" }
          - { cluster: prod, repository: r.test/a, tag: "2" }
    - matrix: { generators: [{ list: { elements: [{ image: r.test/a:3 }] } }, { git: {} }] }
  template:
    metadata: { name: "{{ .cluster }}-api" }
    spec:
      source:
        helm:
          valuesObject: { image: { repository: r.test/a, tag: "{{ .tag }}" } }
          parameters: [{ name: image.tag, value: "{{ .tag }}" }]
        kustomize: { images: ["{{ .image }}"] }
`
    expect(listed(text)).toEqual([
      'r.test/a:1 at spec.generators.0.list.elements.0.image',
      'r.test/a:2 at spec.generators.0.list.elements.1',
      'r.test/a:3 at spec.generators.1.matrix.generators.0.list.elements.0.image',
    ])
    expect(skipped(text).every((one) => one.includes('contains a template'))).toBe(true)
  })
})

describe('entries of Flux', () => {
  it('are the values of a HelmRelease', () => {
    const text = 'kind: HelmRelease\nspec: { values: { image: { repository: r.test/a, tag: 1.4.2 } } }'
    expect(listed(text)).toEqual(['r.test/a:1.4.2 at spec.values.image'])
  })

  it('are the values in a ConfigMap', () => {
    const data = { 'values.yaml': 'image: { repository: r.test/a, tag: v1 }', other: 'image: r.test/b:1' }
    expect(listed(JSON.stringify({ kind: 'ConfigMap', data }))).toEqual([
      'r.test/a:v1 at data.values.yaml > image',
    ])
  })
})

it('the names of all entries are those of repositories', () => {
  const text = `
images: [{ name: a, newName: "r.test:5000/b", digest: "${newDigest}" }]
image: { repository: docker://r.test/c, tag: v1 }
containers: [{ image: oci://r.test/d:1 }]
`
  const names = entriesIn(text).entries.flatMap((entry) => entry.names)
  expect(names.map((name) => parseRepository(name).path)).toEqual(['b', 'c', 'd'])
})
