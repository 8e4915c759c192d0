import { describe, expect, it } from 'vitest'
import type { WrittenParts } from '../../../../src/deployments/references/changes-of.ts'
import { changesIn, entryIn, newDigest, oldDigest } from '../../../support/image-entries.ts'

const both = `1.5.0@${newDigest}`
const hash = newDigest.slice('sha256:'.length)

const transform = 'spec.source.kustomize.images.0'
const tag = 'images.0.newTag'
const digest = 'images.0.digest'

type Row = readonly [text: string, write: WrittenParts, changes: Record<string, string>]

describe('the changes of an image in one text', () => {
  it.each<Row>([
    ['r.test/a:1.4.2', 'both', { image: `r.test/a:${both}` }],
    ['r.test/a:1.4.2', 'digest', { image: `r.test/a:1.4.2@${newDigest}` }],
    ['r.test/a:1.4.2', 'tag', { image: 'r.test/a:1.5.0' }],
    [`r.test/a:1.4.2@${oldDigest}`, 'both', { image: `r.test/a:${both}` }],
    [`r.test/a:1.4.2@${oldDigest}`, 'tag', { image: 'r.test/a:1.5.0' }],
    [`r.test/a@${oldDigest}`, 'both', { image: `r.test/a@${newDigest}` }],
    [`r.test/a@${oldDigest}`, 'tag', { image: 'r.test/a:1.5.0' }],
    ['r.test/a', 'both', { image: `r.test/a@${newDigest}` }],
    ['r.test:5000/a:1', 'both', { image: `r.test:5000/a:${both}` }],
    ['r.test:5000/a', 'both', { image: `r.test:5000/a@${newDigest}` }],
    ['docker.io/library/nginx:1', 'both', { image: `docker.io/library/nginx:${both}` }],
    ['nginx:1', 'both', { image: `nginx:${both}` }],
    ['docker://r.test/a:1', 'both', { image: `docker://r.test/a:${both}` }],
  ])('%s, write: %s', (image, write, changes) => {
    expect(changesIn(entryIn(`image: "${image}"`), write)).toEqual(changes)
  })

  it('keep the tag if the new one is unknown', () => {
    const entry = entryIn('image: r.test/a:1.4.2')
    expect(changesIn(entry, 'both', {})).toEqual({ image: `r.test/a:1.4.2@${newDigest}` })
    expect(changesIn(entry, 'tag', {})).toEqual({})
  })

  it.each<Row>([
    ['base=r.test/a:1', 'both', { [transform]: `base=r.test/a:${both}` }],
    ['base=r.test/a', 'both', { [transform]: `base=r.test/a@${newDigest}` }],
    ['r.test/a:1', 'tag', { [transform]: 'r.test/a:1.5.0' }],
  ])('of Argo CD: %s, write: %s', (image, write, changes) => {
    const text = `spec: { source: { kustomize: { images: ["${image}"] } } }`
    expect(changesIn(entryIn(text), write)).toEqual(changes)
  })
})

describe('the changes of a kustomization', () => {
  it.each<Row>([
    ['newTag: "1"', 'both', { [tag]: '1.5.0', [`${tag} + digest`]: newDigest }],
    ['newTag: "1"', 'digest', { [`${tag} + digest`]: newDigest }],
    ['newTag: "1"', 'tag', { [tag]: '1.5.0' }],
    [`newTag: "1", digest: "${oldDigest}"`, 'both', { [tag]: '1.5.0', [digest]: newDigest }],
    [`newTag: "1", digest: "${oldDigest}"`, 'tag', { [tag]: '1.5.0', [digest]: newDigest }],
    [`digest: "${oldDigest}"`, 'both', { [digest]: newDigest }],
    ['newTag: "1", digest: ""', 'both', { [tag]: '1.5.0', [digest]: newDigest }],
    ['newTag: "1", digest: ~', 'both', { [tag]: '1.5.0', [digest]: newDigest }],
    ['newTag: "1", digest: ""', 'tag', { [tag]: '1.5.0' }],
    [`newTag: "1@${oldDigest}"`, 'both', { [tag]: both }],
    [`newTag: "1@${oldDigest}"`, 'digest', { [tag]: `1@${newDigest}` }],
    [`newTag: "1@${oldDigest}"`, 'tag', { [tag]: '1.5.0' }],
    ['newName: r.test/b', 'both', { 'images.0.newName + digest': newDigest }],
    ['newName: r.test/b', 'tag', {}],
  ])('with %s, write: %s', (fields, write, changes) => {
    expect(changesIn(entryIn(`images: [{ name: r.test/a, ${fields} }]`), write)).toEqual(changes)
  })

  it('without any change are a digest after the name', () => {
    const entry = entryIn('kind: Kustomization\nimages: [{ name: r.test/a }]')
    expect(changesIn(entry)).toEqual({ 'images.0.name + digest': newDigest })
  })
})

describe('the changes of Helm values', () => {
  it.each<Row>([
    ['tag: v1', 'both', { 'image.tag': both }],
    ['tag: v1', 'digest', { 'image.tag': `v1@${newDigest}` }],
    ['tag: v1', 'tag', { 'image.tag': '1.5.0' }],
    [`tag: "v1@${oldDigest}"`, 'both', { 'image.tag': both }],
    [`tag: "v1@${oldDigest}"`, 'tag', { 'image.tag': '1.5.0' }],
    ['tag: ""', 'both', { 'image.tag': both }],
    ['tag: ~', 'digest', { 'image.tag': both }],
    [`tag: "${oldDigest}"`, 'both', { 'image.tag': newDigest }],
    [`tag: "@${oldDigest}"`, 'both', { 'image.tag': `@${newDigest}` }],
    ['tag: v1, digest: ""', 'both', { 'image.tag': '1.5.0', 'image.digest': newDigest }],
    ['tag: v1, digest: ~', 'digest', { 'image.digest': newDigest }],
    ['tag: v1, digest: ""', 'tag', { 'image.tag': '1.5.0' }],
    [`tag: v1, digest: "${oldDigest}"`, 'tag', { 'image.tag': '1.5.0', 'image.digest': newDigest }],
    [`tag: "", digest: "${oldDigest}"`, 'both', { 'image.tag': '1.5.0', 'image.digest': newDigest }],
    [`digest: "${oldDigest}"`, 'both', { 'image.digest': newDigest }],
    ['tag: v1, sha: ""', 'both', { 'image.tag': '1.5.0', 'image.sha': hash }],
    [`tag: v1, sha: "${'1'.repeat(64)}"`, 'both', { 'image.tag': '1.5.0', 'image.sha': hash }],
    [`tag: v1, sha: "${oldDigest}"`, 'both', { 'image.tag': '1.5.0', 'image.sha': newDigest }],
    [`tag: v1, digest: "${'1'.repeat(64)}"`, 'both', { 'image.tag': '1.5.0', 'image.digest': hash }],
    [`tag: "v1@${oldDigest}", digest: ""`, 'both', { 'image.tag': both }],
  ])('with %s, write: %s', (fields, write, changes) => {
    expect(changesIn(entryIn(`image: { repository: r.test/a, ${fields} }`), write)).toEqual(changes)
  })

  it('are none if only the repository has a field', () => {
    expect(changesIn(entryIn('image: { repository: r.test/a, digest: [] }'))).toEqual({})
  })

  it('are at the parameter of an Argo CD Application that wins', () => {
    const values = 'image:\n  repository: r.test/a\n  tag: "1"\n  digest: ""\n'
    const helm = { values, parameters: [{ name: 'image.tag', value: '2' }] }
    expect(changesIn(entryIn(JSON.stringify({ spec: { source: { helm } } })))).toEqual({
      'spec.source.helm.parameters.0.value': '1.5.0',
      'spec.source.helm.values > image.digest': newDigest,
    })
  })
})
