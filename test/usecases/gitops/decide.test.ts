import { describe, expect, it } from 'vitest'
import { RegistryNames } from '../../../src/config/registry-names.ts'
import { decideEdits } from '../../../src/usecases/gitops/decide.ts'
import { gatherFiles } from '../../../src/usecases/gitops/gather.ts'
import { isDrayError, type DrayError } from '../../../src/lib/errors.ts'
import {
  allYaml,
  decided,
  filesOf,
  newDigest,
  oldDigest,
  request,
  wanted,
} from '../../support/gitops/edit-requests.ts'

/** The error of a decision; undefined if it succeeds. */
async function errorOf(deciding: Promise<unknown>): Promise<DrayError | undefined> {
  try {
    await deciding
    return undefined
  } catch (error) {
    if (isDrayError(error)) return error
    throw error
  }
}

const call = { signal: new AbortController().signal, notify: () => undefined }

const pod = (...images: readonly string[]): string =>
  `kind: Pod\nspec:\n  containers:\n${images.map((image, i) => `    - name: c${i}\n      image: ${image}\n`).join('')}`

const api = 'eu.example.com/prod/api'
const done = `${api}:1.4.2@${newDigest}`

describe('an edit', () => {
  it('writes the tag and digest of an image at all of its positions, one step for each file', async () => {
    const found = await decided({
      'b.yaml': pod(`${api}:1.4.1`),
      'a.yaml': pod(`us.example.com/prod/api:1.4.1`),
    })
    expect(found.text('b.yaml')).toBe(pod(done))
    expect(found.plan).toMatchObject({
      environment: 'prod',
      upToDate: [],
      steps: [
        { id: 'edit1', file: 'a.yaml', images: [{ image: 'api', digest: newDigest, tag: '1.4.2' }] },
        {
          id: 'edit2',
          file: 'b.yaml',
          edits: [
            {
              document: 1,
              place: 'spec.containers[0].image',
              line: 5,
              before: `${api}:1.4.1`,
              after: done,
            },
          ],
        },
      ],
    })
  })

  it('is no step for a file that has the image already', async () => {
    const { plan } = await decided({ 'a.yaml': pod(done), 'b.yaml': pod(`${api}:1.4.1`) })
    expect(plan).toMatchObject({ upToDate: ['a.yaml'], steps: [{ file: 'b.yaml' }] })
  })

  it('is decided again to the same result for a file that it has changed', async () => {
    const first = await decided({ 'a.yaml': pod(`${api}:1.4.1`, `${api}:1.4.0`) })
    const again = await decided({ 'a.yaml': first.text('a.yaml') ?? '' })
    expect(again.plan).toMatchObject({ steps: [], upToDate: ['a.yaml'] })
  })

  it('of several images in one file is one step with the images that change', async () => {
    const images = [wanted(), wanted({ image: 'web', tag: '2.0.0' }), wanted({ image: 'job' })]
    const text = pod(
      `${api}:1.4.1`,
      'eu.example.com/prod/web:1.9.0',
      `eu.example.com/prod/job:1.4.2@${newDigest}`,
    )
    const { plan } = await decided({ 'a.yaml': text }, images)
    expect(plan.steps).toHaveLength(1)
    expect(plan.steps[0]?.images.map(({ image }) => image)).toEqual(['api', 'web'])
    expect(plan.steps[0]?.edits.map(({ after }) => after)).toEqual([
      done,
      `eu.example.com/prod/web:2.0.0@${newDigest}`,
    ])
    expect(plan.images.map(({ image }) => image)).toEqual(['api', 'web', 'job'])
  })

  it.each([
    ['digest', `${api}:1.4.1@${newDigest}`],
    ['tag', `${api}:1.4.2`],
    ['both', done],
  ] as const)('writes with `write: %s` only that', async (write, after) => {
    const found = await decided({ 'a.yaml': pod(`${api}:1.4.1`) }, [wanted()], [{ ...allYaml, write }])
    expect(found.text('a.yaml')).toBe(pod(after))
  })

  it('with `write: tag` of an image without a tag is refused', async () => {
    const { tag: _tag, ...image } = wanted()
    const error = await errorOf(
      decided({ 'a.yaml': pod(`${api}:1.4.1`) }, [image], [{ ...allYaml, write: 'tag' }]),
    )
    expect(error).toMatchObject({
      code: 'refused',
      why: expect.stringContaining('the image has none') as string,
    })
  })
})

describe('an image in a file', () => {
  it.each([
    ['with the port of its scheme', 'eu.example.com:443/prod/api:1.4.1'],
    ['under an alias of its registry', 'cache.example.com/eu/prod/api:1.4.1'],
  ])('is found %s', async (_, text) => {
    const names = new RegistryNames(
      new Map([['eu.example.com', { aliases: [{ registry: 'cache.example.com', prefix: 'eu' }] }]]),
    )
    const edits = { ...request([wanted()]), identify: names.identity.bind(names) }
    const files = await gatherFiles(edits, filesOf({ 'a.yaml': pod(text) }), call)
    expect(decideEdits(files, edits).plan.steps).toHaveLength(1)
  })

  it.each(['acme/api:1.4.1', 'docker.io/acme/api:1.4.1', 'index.docker.io/acme/api:1.4.1'])(
    'of Docker Hub is found as %s',
    async (text) => {
      const names = new RegistryNames(new Map())
      const hub = { registry: 'docker.io', path: 'acme/api' }
      const edits = {
        ...request([wanted({ repository: hub, repositories: [hub] })]),
        identify: names.identity.bind(names),
      }
      const files = await gatherFiles(edits, filesOf({ 'a.yaml': pod(text) }), call)
      expect(decideEdits(files, edits).plan.steps).toHaveLength(1)
    },
  )

  it.each([
    ['mirror.example.com/hub/{image}', 'mirror.example.com/hub/frontend/web:1.4.1'],
    ['{image}', 'frontend/web:1.4.1'],
  ])('is found as %s', async (as, text) => {
    const image = wanted({ image: 'web', name: 'frontend/web' })
    const found = await decided({ 'a.yaml': pod(text) }, [image], [{ ...allYaml, as: [as] }])
    const name = text.slice(0, text.lastIndexOf(':'))
    expect(found.text('a.yaml')).toBe(pod(`${name}:1.4.2@${newDigest}`))
  })

  it('of another repository is not edited', async () => {
    const other = 'eu.example.com/prod/api-worker:1.4.1'
    const found = await decided({ 'a.yaml': pod(`${api}:1.4.1`, other) })
    expect(found.text('a.yaml')).toBe(pod(done, other))
  })

  it('that no file names is an error with the files that were read', async () => {
    const error = await errorOf(decided({ 'a.yaml': pod('eu.example.com/prod/web:1') }))
    expect(error).toMatchObject({
      code: 'not-found',
      message: 'no deployment file of prod names api',
      why: 'none of its repositories is in the one file of environments.prod.gitops',
    })
  })

  it('that is only at positions that are not edited is an error with the reasons', async () => {
    const values = `image:\n  repository: ${api}\n  tag: not a tag\n`
    const error = await errorOf(decided({ 'values.yaml': values }))
    expect(error).toMatchObject({
      code: 'not-found',
      why: expect.stringContaining('values.yaml: image: "not a tag" is not a tag') as string,
    })
  })
})

describe('a file', () => {
  it('that a glob does not find is an error', async () => {
    const error = await errorOf(decided({}, [wanted()]))
    expect(error).toMatchObject({
      code: 'not-found',
      message: 'no deployment file matches **/*.yaml',
      why: expect.stringContaining('environments.prod.gitops[0] in dray.yaml') as string,
    })
  })

  it('with templates is an error also if it has another name of the image', async () => {
    const rule = { ...allYaml, as: ['mirror.example.com/hub/{image}'] }
    const texts = {
      'a.yaml': pod(`${api}:1.4.1`),
      'chart.yaml': 'image: mirror.example.com/hub/api:{{ .Values.tag }}\n',
    }
    const error = await errorOf(decided(texts, [wanted()], [rule]))
    expect(error).toMatchObject({ code: 'refused', subject: 'chart.yaml' })
  })

  it.each(['utf16le', 'utf16be'])(
    'in %s is an error if it names the image, and skipped otherwise',
    async (encoding) => {
      const encode = (text: string): Buffer => {
        const bytes = Buffer.from(`\u{feff}${text}`, 'utf16le')
        return encoding === 'utf16le' ? bytes : bytes.swap16()
      }
      const edits = request([wanted()])
      const decide = async (other: string): Promise<unknown> => {
        const files = { 'a.yaml': Buffer.from(pod(`${api}:1.4.1`)), 'b.yaml': encode(pod(other)) }
        const read = async (file: string): Promise<Buffer> => files[file as keyof typeof files]
        const list = async (): Promise<readonly string[]> => Object.keys(files)
        return decideEdits(await gatherFiles(edits, { list, read }, call), edits)
      }
      expect(await decide('eu.example.com/prod/web:1')).toMatchObject({
        plan: { steps: [{ file: 'a.yaml' }] },
      })
      expect(await errorOf(decide(`${api}:1.4.1`))).toMatchObject({
        code: 'refused',
        subject: 'b.yaml',
        why: 'it is UTF-16',
      })
    },
  )

  it('with templates is an error only if it names the image', async () => {
    const template = (name: string): string => `image: {{ .Values.image }} # ${name}\n`
    const other = await decided({
      'a.yaml': pod(`${api}:1.4.1`),
      'chart.yaml': template('the api of others'),
    })
    expect(other.plan.steps.map(({ file }) => file)).toEqual(['a.yaml'])
    const error = await errorOf(
      decided({ 'a.yaml': pod(`${api}:1.4.1`), 'chart.yaml': template('eu.example.com/prod/api') }),
    )
    expect(error).toMatchObject({ code: 'refused', subject: 'chart.yaml' })
  })

  it('that does not end like YAML or JSON is read only if it is named', async () => {
    const files = filesOf({
      'a/x.yaml': pod(done),
      'a/notes.md': 'api',
      'a/Kustomization': 'kind: Kustomization',
    })
    await gatherFiles(request([wanted()], [{ ...allYaml, files: ['a/*'] }]), files, call)
    expect(files.reads.toSorted()).toEqual(['a/Kustomization', 'a/x.yaml'])
  })

  it('that two entries match follows the first one', async () => {
    const rules = [{ ...allYaml, files: ['a.yaml'], write: 'digest' as const }, allYaml]
    const found = await decided({ 'a.yaml': pod(`${api}:1.4.1`) }, [wanted()], rules)
    expect(found.text('a.yaml')).toBe(pod(`${api}:1.4.1@${newDigest}`))
  })
})

describe('several versions of an image', () => {
  const tags = async (file: Readonly<Record<string, string>>, tag: string): Promise<string[]> => {
    const found = await decided(file, [wanted({ tag })])
    return found.plan.steps.flatMap(({ edits }) => edits.map(({ before }) => before?.split(':')[1] ?? ''))
  }
  const both = { 'a.yaml': pod(`${api}:1.4.1`, `${api}:2.0.0`) }

  it.each([
    ['1.4.2', ['1.4.1']],
    ['1.5.0', ['1.4.1']],
    ['2.0.1', ['2.0.0']],
  ])('only the line of %s moves', async (tag, moved) => {
    expect(await tags(both, tag)).toEqual(moved)
  })

  it('the same promotion again moves nothing else', async () => {
    const first = await decided(both, [wanted({ tag: '2.0.1' })])
    expect(await tags({ 'a.yaml': first.text('a.yaml') ?? '' }, '2.0.1')).toEqual([])
    expect(first.warnings).toEqual([
      'a.yaml: spec.containers[0].image stays at 1.4.1: it is another line of api',
    ])
  })

  it.each([
    ['1.5.0', '1.4.1', '1.4.1'],
    ['1.4.2', '1.4.1', '1.4.0'],
    ['2.0.0', '1.4.1', '1.4.1'],
  ])('are the same for a run of %s that was killed between two files', async (tag, first, second) => {
    const texts = { 'a.yaml': pod(`${api}:${first}`), 'b.yaml': pod(`${api}:${second}`) }
    const images = [wanted({ tag })]
    const planned = await decided(texts, images)
    const begun = planned.plan.steps
    expect(begun).toHaveLength(2)
    const half = { ...texts, 'a.yaml': planned.text('a.yaml') ?? '' }
    const again = await decided(half, images, [allYaml], begun)
    expect(again.text('b.yaml')).toBe(planned.text('b.yaml'))
    expect(again.hasKept).toBe(false)
  })

  it('that an earlier run kept are kept, if it was killed', async () => {
    const texts = {
      'a.yaml': pod(`${api}:2.0.0`),
      'b.yaml': pod(`${api}:2.0.0`),
      'c.yaml': pod(`${api}:1.4.1`),
    }
    const images = [wanted({ tag: '2.1.0' })]
    const planned = await decided(texts, images)
    const half = { ...texts, 'a.yaml': planned.text('a.yaml') ?? '' }
    expect((await decided(half, images)).text('b.yaml')).toBeUndefined()
    const again = await decided(half, images, [allYaml], planned.plan.steps)
    expect(again.text('b.yaml')).toBe(planned.text('b.yaml'))
    expect(again.warnings).toEqual(planned.warnings)
    expect(again.text('c.yaml')).toBeUndefined()
  })

  it('in several files are the same as in one', async () => {
    expect(await tags({ 'v1.yaml': pod(`${api}:1.4.1`), 'v2.yaml': pod(`${api}:2.0.0`) }, '1.4.2')).toEqual([
      '1.4.1',
    ])
  })

  it.each([
    ['of a line that is not there', '3.0.0'],
    ['that is no version', 'main'],
  ])('are refused for a tag %s, with each position', async (_, tag) => {
    const error = await errorOf(decided(both, [wanted({ tag })]))
    expect(error).toMatchObject({
      code: 'refused',
      details: ['a.yaml: spec.containers[0].image: 1.4.1', 'a.yaml: spec.containers[1].image: 2.0.0'],
    })
  })

  it('are refused if two lines of the major version are there', async () => {
    const file = { 'a.yaml': pod(`${api}:1.4.1`, `${api}:1.5.0`) }
    expect(await tags(file, '1.5.1')).toEqual(['1.5.0'])
    expect((await errorOf(decided(file, [wanted({ tag: '1.6.0' })])))?.code).toBe('refused')
  })

  it('of one minor line all move, also to another major version', async () => {
    expect(await tags({ 'a.yaml': pod(`${api}:1.4.0`, `${api}:1.4.1`) }, '2.0.0')).toEqual(['1.4.0', '1.4.1'])
  })

  it('of variants are lines of their own', async () => {
    const reading = { ...wanted().reading, variants: ['alpine'] }
    const found = await decided({ 'a.yaml': pod(`${api}:1.4.1`, `${api}:1.4.1-alpine`) }, [
      wanted({ tag: '1.4.2-alpine', reading }),
    ])
    expect(found.plan.steps[0]?.edits.map(({ before }) => before)).toEqual([`${api}:1.4.1-alpine`])
  })

  it.each([
    ['1.4.2', ['1.4.1']],
    ['1.5.0', ['1.4.1']],
    ['1.4.2-slim', ['1.4.1-slim']],
  ])('of variants that dray.yaml does not name are lines of their own: %s', async (tag, moved) => {
    const file = { 'a.yaml': pod(`${api}:1.4.1`, `${api}:1.4.1-slim`) }
    expect(await tags(file, tag)).toEqual(moved)
  })

  it('of pre-releases and of releases side by side are lines of their own', async () => {
    const file = { 'a.yaml': pod(`${api}:1.4.1`, `${api}:1.4.2-rc.1`) }
    expect(await tags(file, '1.4.2')).toEqual(['1.4.1'])
    expect(await tags(file, '1.4.2-rc.2')).toEqual(['1.4.2-rc.1'])
    expect(await tags({ 'a.yaml': pod(`${api}:1.4.2-rc.1`) }, '1.4.2')).toEqual(['1.4.2-rc.1'])
  })

  it.each(['1a2b3c4', '20261128'])('with the commit or day %s are of one line', async (suffix) => {
    const file = { 'a.yaml': pod(`${api}:1.4.1-${suffix}`, `${api}:1.4.1-9f8e7d6`) }
    expect(await tags(file, '1.4.2-abc1234')).toHaveLength(2)
  })

  it('do not include positions without a tag, which move with the only line', async () => {
    expect(await tags({ 'a.yaml': pod(`${api}:1.4.1`, `${api}@${oldDigest}`) }, '2.0.0')).toHaveLength(2)
  })

  it('are refused if a position without a tag can be of several lines', async () => {
    const file = { 'a.yaml': pod(`${api}:1.4.1`, `${api}:2.0.0`, `${api}@${oldDigest}`) }
    const error = await errorOf(decided(file, [wanted({ tag: '1.4.2' })]))
    expect(error?.details).toEqual([`a.yaml: spec.containers[2].image: ${oldDigest}`])
  })

  it('do not include an image whose tag a kustomization replaces', async () => {
    const kustomization = `kind: Kustomization\nimages:\n  - name: ${api}\n    newTag: 1.4.1\n`
    const found = await decided({ 'base.yaml': pod(`${api}:0.1.0`), 'kustomization.yaml': kustomization }, [
      wanted({ tag: '1.5.0' }),
    ])
    expect(found.plan.steps.map(({ file }) => file)).toContain('kustomization.yaml')
  })
})
