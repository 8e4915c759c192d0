import { describe, expect, it } from 'vitest'
import { formatRepository } from '../../../src/oci/reference.ts'
import { namedImages } from '../../../src/usecases/gitops/named-images.ts'

/** The images of `r.test/prod/NAME` that a file names. */
function named(text: string): readonly string[] {
  return namedImages(
    [{ file: 'a.yaml', bytes: Buffer.from(text), places: [] }],
    [],
    (repository) => /^r\.test\/prod\/(.+)$/.exec(formatRepository(repository))?.[1],
  )
}

const pod = 'kind: Pod\nspec:\n  containers:\n'

describe('the images that files name', () => {
  it('are those of the environment', () => {
    expect(named(`${pod}  - image: r.test/prod/web:1\n  - image: r.test/dev/api:1\n`)).toEqual(['web'])
  })

  it.each([
    ['a template', `${pod}  - image: r.test/prod/api:{{ .Values.tag }}\n`],
    ['broken YAML', `${pod}  - image: "r.test/prod/api:1.4.1\n`],
    ['a duplicate key', `a: 1\na: 2\nimage: r.test/prod/api@sha256:${'1'.repeat(64)}\n`],
  ])('include those in the text of %s, whose edit is refused', (_, text) => {
    expect(named(text)).toEqual(['api'])
  })

  it('are none of a template without a name of the environment', () => {
    expect(named(`image: {{ .Values.repository }}\n# https://r.test/dev/api:x//\n`)).toEqual([])
  })

  it('are found in a long text in linear time', () => {
    expect(named(`{{\n${'r.test:'.repeat(500_000)}\nr.test/prod/api\n${'a/'.repeat(500_000)}`)).toEqual([
      'api',
    ])
  })
})
