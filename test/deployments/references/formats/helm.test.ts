import { describe, expect, it } from 'vitest'
import { images, errorIn, oneDigest } from '../../../support/in-use.ts'

const names = (text: string): readonly string[] => Object.keys(images(text))

describe('values of Helm', () => {
  it.each([
    ['image: { repository: r.test/a, tag: v1 }', ['r.test/a:v1']],
    ['image: { registry: r.test, repository: team/a, tag: v1 }', ['r.test/team/a:v1']],
    ['image: { registry: "", repository: team/a, tag: v1 }', ['docker.io/team/a:v1']],
    [`image: { repository: r.test/a, tag: "", digest: "${oneDigest}" }`, [`r.test/a@${oneDigest}`]],
    [`image: { repository: r.test/a, tag: v1, digest: "${oneDigest}" }`, [`r.test/a:v1@${oneDigest}`]],
    [`image: { repository: r.test/a, tag: v1, sha: "${'1'.repeat(64)}" }`, [`r.test/a:v1@${oneDigest}`]],
    [`image: { repository: r.test/a, tag: "v1@${oneDigest}" }`, [`r.test/a:v1@${oneDigest}`]],
    ['image: { repository: "r.test/a:v1" }', ['r.test/a:v1']],
    ['image: { repo: r.test/a, tag: v1 }', ['r.test/a:v1']],
    ['image: { name: r.test/a, tag: v1 }', ['r.test/a:v1']],
    ['worker: { repository: r.test/a, tag: v1 }', ['r.test/a:v1']],
    ['deep: { er: { initImage: { repository: r.test/a, tag: v1 } } }', ['r.test/a:v1']],
    ['image: "r.test/a:v1"', ['r.test/a:v1']],
    ['image: r.test/a\ntag: v1', ['r.test/a:v1']],
    ['image: r.test/a\nimageTag: v1', ['r.test/a:v1']],
    ['image: docker://r.test/a:v1', ['r.test/a:v1']],
    ['image: { repository: "oci://r.test/a", tag: v1 }', ['r.test/a:v1']],
    ['images: { web: "r.test/a:v1" }', ['r.test/a:v1']],
    [
      'controllers: { main: { containers: { app: { image: { repository: r.test/a, tag: v1 } } } } }',
      ['r.test/a:v1'],
    ],
  ])('of the shape %s', (text, found) => {
    expect(names(text)).toEqual(found)
  })

  it('keep the text of a tag that is a number, and add the text of Helm', () => {
    expect(names('image: { repository: r.test/a, tag: 1.10 }')).toEqual(['r.test/a:1.10', 'r.test/a:1.1'])
    expect(names('image: { repository: r.test/a, tag: "1.10" }')).toEqual(['r.test/a:1.10'])
    expect(names('{"image": {"repository": "r.test/a", "tag": 1.10}}')).toEqual([
      'r.test/a:1.10',
      'r.test/a:1.1',
    ])
    expect(names('image: { repository: r.test/a, tag: 0123 }')).toContain('r.test/a:0123')
    expect(names('image: { repository: r.test/a, tag: true }')).toEqual(['r.test/a:true'])
  })

  it('with a registry for all images have the image at both registries', () => {
    const text = 'global: { imageRegistry: m.test }\nimage: { registry: r.test, repository: a, tag: v1 }'
    expect(names(text)).toEqual(['r.test/a:v1', 'm.test/a:v1'])
  })

  it.each([
    ['image: { repository: r.test/a, tag: "" }', 'its tag is empty'],
    ['image: { repository: r.test/a, tag: }', 'its tag is empty'],
    ['image: { repository: r.test/a }', 'its tag is empty'],
    ['image: r.test/a\ntag: ""', 'its tag is empty'],
    ['worker: { repository: r.test/a, tag: "" }', 'its tag is empty'],
    ['image: { tag: v2 }', 'without a repository'],
    [`image: { digest: "${oneDigest}" }`, 'without a repository'],
    ['image: { repository: "", tag: v2 }', 'without a repository'],
    ['[{ op: replace, path: /spec/values/image/tag, value: v2 }]', 'patches a part of an image'],
    ['image: { repository: "{{ .Values.a }}", tag: v1 }', 'contains an unresolved template'],
    ['image: ""', 'it is empty'],
    ['image:', 'it is empty'],
  ])('that leave something to the chart are an error: %s', (text, what) => {
    expect(errorIn(text).why).toContain(what)
    expect(errorIn(text).why).toMatch(/^file\.yaml: /)
  })

  it.each([
    'image: { pullPolicy: Always }',
    'image: { registry: "", repository: "", tag: "" }',
    'dependencies: [{ name: a, repository: "https://charts.test", version: 1 }]',
    'source: { repository: "https://git.test/a.git", tag: v1 }',
    'source: { repository: "git@git.test:a.git", tag: v1 }',
    'source: { repository: team/a }',
    'imagePullSecrets: [{ name: a }]',
  ])('that name no image are left alone: %s', (text) => {
    expect(names(text)).toEqual([])
  })
})

const application = `
apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  source:
    chart: api
    helm:
      releaseName: api
      values: |
        image:
          repository: r.test/shop/api
          tag: "1.4.1"
      parameters:
        - { name: image.tag, value: "1.4.2" }
        - { name: "sidecar\\\\.x.image.repository", value: r.test/side }
        - { name: "sidecar\\\\.x.image.tag", value: "3" }
    kustomize:
      images: ["base=r.test/shop/web:2", r.test/shop/cron:5]
`

describe('an Argo CD Application', () => {
  it('has the images of its values with its parameters, and those of kustomize', () => {
    expect(names(application)).toEqual([
      'r.test/shop/api:1.4.2',
      'r.test/side:3',
      'r.test/shop/web:2',
      'r.test/shop/cron:5',
    ])
  })

  it('may have its values as a map, which overrides the text', () => {
    const helm = {
      values: 'image: { repository: r.test/old, tag: "1" }',
      valuesObject: { image: { repository: 'r.test/a', tag: '1' } },
    }
    expect(names(JSON.stringify({ spec: { source: { helm } } }))).toContain('r.test/a:1')
    const half = { ...helm, valuesObject: { image: { tag: '2' } } }
    expect(errorIn(JSON.stringify({ spec: { source: { helm: half } } })).why).toContain(
      'without a repository',
    )
  })

  it('with values that are not YAML is an error', () => {
    const helm = { values: 'image: {{ x }}' }
    expect(errorIn(JSON.stringify({ spec: { sources: [{ helm }] } })).why).toContain(
      'spec.sources[0].helm.values: its text is not YAML',
    )
  })

  it('with only a tag is an error', () => {
    const helm = { parameters: [{ name: 'image.tag', value: '1' }] }
    expect(errorIn(JSON.stringify({ spec: { source: { helm } } })).why).toContain('without a repository')
  })
})

describe('a HelmRelease of Flux', () => {
  it('may take its values from a ConfigMap', () => {
    const data = { 'values.yaml': 'image: { repository: r.test/a, tag: v1 }', other: 'image: {{ x }}' }
    expect(images(JSON.stringify({ kind: 'ConfigMap', data }))).toEqual({
      'r.test/a:v1': 'file.yaml: data["values.yaml"].image',
    })
  })

  it('has the images of its values', () => {
    const text = 'kind: HelmRelease\nspec: { values: { image: { repository: r.test/a, tag: 1.4.2 } } }'
    expect(images(text)).toEqual({ 'r.test/a:1.4.2': 'file.yaml: spec.values.image' })
  })
})
