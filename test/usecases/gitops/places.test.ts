import { describe, expect, it } from 'vitest'
import type { PlaceRule } from '../../../src/config/gitops/gitops.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import { allYaml, decided, newDigest, wanted } from '../../support/gitops/edit-requests.ts'

const place = (at: PlaceRule['at'], more: Partial<PlaceRule> = {}): PlaceRule => ({
  kind: 'place',
  name: 'environments.prod.gitops[1]',
  file: 'values.yaml',
  image: 'api',
  at,
  write: 'both',
  ...more,
})

const values = 'web:\n  version: 1.4.1 # of the chart\n  digest: ""\n'

describe('a position in dray.yaml', () => {
  it('gets the tag and the digest', async () => {
    const rule = place({ tag: 'web.version', digest: 'web.digest' })
    const found = await decided({ 'values.yaml': values }, [wanted()], [rule])
    expect(found.text('values.yaml')).toBe(
      `web:\n  version: 1.4.2 # of the chart\n  digest: "${newDigest}"\n`,
    )
  })

  it('gets only the tag if a chart has no field for a digest', async () => {
    const rule = place({ tag: 'web.version' }, { write: 'tag' })
    const found = await decided({ 'values.yaml': values }, [wanted()], [rule])
    expect(found.text('values.yaml')).toBe(values.replace('1.4.1', '1.4.2'))
  })

  it('of a tfvars file gets the digest', async () => {
    const rule = place({ digest: 'api_digest' }, { file: 'prod.tfvars' })
    const text = `# of prod\napi_digest = "sha256:${'0'.repeat(64)}"\n`
    const found = await decided({ 'prod.tfvars': text }, [wanted()], [rule])
    expect(found.text('prod.tfvars')).toBe(`# of prod\napi_digest = "${newDigest}"\n`)
  })

  it('moves also if the file has other versions of the image', async () => {
    const pod = 'kind: Pod\nspec:\n  containers:\n    - image: eu.example.com/prod/api:2.0.0\n'
    const rule = place({ tag: 'web.version', digest: 'web.digest' })
    const found = await decided(
      { 'values.yaml': values, 'pod.yaml': pod },
      [wanted()],
      [{ ...allYaml, files: ['pod.yaml'] }, rule],
    )
    expect(found.plan.steps.map(({ file }) => file)).toEqual(['pod.yaml', 'values.yaml'])
  })

  it('has the rules of its entry, and not those of a glob', async () => {
    const text = 'image:\n  repository: eu.example.com/prod/api\n  tag: 1.4.1\n'
    const rules = [allYaml, place({ tag: 'image.tag' }, { write: 'tag' })]
    const found = await decided({ 'values.yaml': text }, [wanted()], rules)
    expect(found.text('values.yaml')).toBe(text.replace('1.4.1', '1.4.2'))
  })

  it('of another image is not read', async () => {
    const pod = 'kind: Pod\nspec:\n  containers:\n    - image: eu.example.com/prod/api:1.4.1\n'
    const other = place({ tag: 'nowhere' }, { image: 'web', file: 'missing.yaml' })
    const found = await decided({ 'pod.yaml': pod }, [wanted()], [allYaml, other])
    expect(found.plan.steps).toHaveLength(1)
  })

  it.each([
    ['eu.example.com/prod/sidecar:1.0.0', 'it has the image eu.example.com/prod/sidecar'],
    [`eu.example.com/prod/api-worker:1.0.0@${newDigest}`, 'it has the image eu.example.com/prod/api-worker'],
  ])('with the whole image %s of another repository is refused', async (text, why) => {
    const pod = `kind: Pod\nspec:\n  containers:\n    - image: ${text}\n`
    const rule = place({ tag: 'spec.containers[0].image' }, { file: 'pod.yaml' })
    const error = await decided({ 'pod.yaml': pod }, [wanted()], [rule]).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'refused', why })
  })

  it('with the whole image of a mirror gets the digest', async () => {
    const pod = (tag: string): string =>
      `kind: Pod\nspec:\n  containers:\n    - image: mirror.example.com/hub/api:${tag}\n`
    const rule = place({ tag: 'spec.containers[0].image' }, { file: 'pod.yaml' })
    const found = await decided({ 'pod.yaml': pod('1.4.1') }, [wanted()], [rule])
    expect(found.text('pod.yaml')).toBe(pod(`1.4.2@${newDigest}`))
  })

  it.each([
    ['that does not exist', place({ tag: 'web.versions' }), 'config'],
    ['in a file that does not exist', place({ tag: 'a' }, { file: 'other.yaml' }), 'not-found'],
    ['with another value', place({ digest: 'web.version' }), 'config'],
  ])('%s is an error', async (_, rule, code) => {
    const error = await decided({ 'values.yaml': values }, [wanted()], [rule]).catch(
      (thrown: unknown) => thrown,
    )
    expect(isDrayError(error) && error.code).toBe(code)
  })
})
