import { describe, expect, it } from 'vitest'
import { images, errorIn, oneDigest } from '../../../support/in-use.ts'

const names = (text: string): readonly string[] => Object.keys(images(text))
const kustomization = (...entries: readonly object[]): string =>
  JSON.stringify({ kind: 'Kustomization', images: entries })

describe('a kustomization', () => {
  it.each([
    [{ name: 'r.test/a', newTag: '2' }, 'r.test/a:2'],
    [{ name: 'r.test/a', digest: oneDigest }, `r.test/a@${oneDigest}`],
    [{ name: 'APP', newName: 'r.test/a', newTag: '2' }, 'r.test/a:2'],
    [{ name: 'app', newName: 'r.test/a', digest: oneDigest }, `r.test/a@${oneDigest}`],
  ])('names the new image of %j', (entry, found) => {
    expect(names(kustomization(entry))).toEqual([found])
  })

  it('has no image if it changes nothing', () => {
    expect(names(kustomization({ name: 'r.test/a' }))).toEqual([])
  })

  it('that renames an image has the new one with the tag of the other files', () => {
    const text = `${kustomization({ name: 'nginx', newName: 'm.test/nginx' })}\n---\nspec: { containers: [{ image: "docker.io/library/nginx:1.27" }] }`
    expect(names(text)).toEqual(['docker.io/library/nginx:1.27', 'm.test/nginx:1.27'])
  })

  it('that renames an image is an error if no file has the image', () => {
    expect(errorIn(kustomization({ name: 'nginx', newName: 'm.test/nginx' })).why).toContain(
      'file.yaml: images[0]: it renames "nginx"',
    )
  })

  it('replaces a placeholder in a base', () => {
    const text = `${kustomization({ name: 'APP_IMAGE', newName: 'r.test/a', newTag: '1' })}\n---\nspec: { containers: [{ image: APP_IMAGE }] }`
    expect(names(text)).toEqual(['r.test/a:1'])
  })

  it('that adds a suffix to a tag is an error', () => {
    expect(errorIn(kustomization({ name: 'a', tagSuffix: '-x' })).why).toContain('suffix "-x"')
  })

  it('has the images of patches that are strings', () => {
    const text = `
kind: Kustomization
patches:
  - target: { kind: Deployment }
    patch: |-
      - op: replace
        path: /spec/template/spec/containers/0/image
        value: r.test/a:1
  - path: patch.yaml
patchesStrategicMerge:
  - other.yaml
  - |-
    kind: Deployment
    spec: { template: { spec: { containers: [{ name: a, image: r.test/b:1 }] } } }
`
    expect(images(text)).toEqual({
      'r.test/a:1': 'file.yaml: patches[0].patch[0].value',
      'r.test/b:1': 'file.yaml: patchesStrategicMerge[1].spec.template.spec.containers[0].image',
    })
  })
})
