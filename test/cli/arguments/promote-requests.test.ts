import { describe, expect, it } from 'vitest'
import { type PromoteArguments, promoteRequests } from '../../../src/cli/arguments/promote-requests.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { plainReading } from '../../../src/semver/version.ts'
import type { PromoteRequest as Request } from '../../../src/usecases/promote/request.ts'

const { config } = parseConfig(
  {
    file: '/p/dray.yaml',
    content: `version: 1
environments:
  dev: { registry: r.example, path: "dev/{image}" }
  staging: { registry: r.example, path: "staging/{image}", promoteFrom: [dev] }
  prod:
    promoteFrom: [staging]
    targets:
      - { registry: eu.example, path: "prod/{image}" }
      - { registry: us.example, path: "prod/{image}" }
images:
  api: {}
  web: { name: frontend/web }
`,
  },
  'dray.yaml',
)
const digest = digestOf('x')

type Options = Partial<PromoteArguments>

async function requests(references: readonly string[], options: Options = {}) {
  const given = { operation: 'promote', references, tags: [], cwd: '/p', ...options } as const
  return promoteRequests(given, config, async () => ({ tag: 'only' }))
}
async function one(references: readonly string[], options: Options = {}): Promise<Request> {
  const [request] = await requests(references, options)
  if (request === undefined) throw new Error('no request')
  return request
}

const r = (path: string) => ({ registry: 'r.example', path })
const prodOf = (path: string) => [
  { registry: 'eu.example', path },
  { registry: 'us.example', path },
]

describe('the arguments of promote', () => {
  it('read each repository as its own environment and image do', async () => {
    const own = parseConfig(
      {
        file: '/p/dray.yaml',
        content: `version: 1
environments:
  staging: { registry: r.example, path: "staging/{image}", tags: { scheme: loose, variants: [slim] } }
  prod:
    registry: r.example
    path: "prod/{image}"
    tags: { semver: [exact, latest], scheme: calver, ignoreVersions: ["nightly-*"] }
images:
  api: {}
  web: { tags: { scheme: semver, variants: [alpine] } }
`,
      },
      'dray.yaml',
    ).config
    const read = async (image: string) => {
      const given = {
        operation: 'promote',
        references: [`@staging/${image}:1`, '@prod'],
        tags: [],
        cwd: '/p',
      } as const
      const [request] = await promoteRequests(given, own, async () => ({ tag: 'only' }))
      return [request?.from.reading, request?.to.reading, request?.tagMaintenance?.policy]
    }
    expect(await read('api')).toMatchObject([
      { scheme: 'loose', variants: ['slim'], twoNumbers: true },
      { scheme: 'calver', variants: [], ignoreVersions: ['nightly-*'] },
      { scheme: 'calver', levels: ['exact', 'latest'] },
    ])
    expect(await read('web')).toMatchObject([
      { scheme: 'semver', variants: ['alpine'] },
      { scheme: 'semver', variants: ['alpine'], ignoreVersions: ['nightly-*'] },
      { scheme: 'semver', variants: ['alpine'] },
    ])
  })

  it.each<[string, readonly string[], Options]>([
    ['a name with --from and --to', ['api:1.4.2'], { from: 'staging', to: 'prod' }],
    ['environments with @', ['api:1.4.2'], { from: '@staging', to: '@prod' }],
    ['a reference and --to', ['@staging/api:1.4.2'], { to: 'prod' }],
    ['two references', ['@staging/api:1.4.2', '@prod'], {}],
    ['two references that both name the image', ['@staging/api:1.4.2', '@prod/api'], {}],
    ['a complete reference of an environment', ['r.example/staging/api:1.4.2', '@prod'], {}],
  ])('mean the same as %s', async (_, args, options) => {
    expect(await one(args, options)).toMatchObject({
      from: { environment: 'staging', repository: r('staging/api'), at: { tag: '1.4.2' } },
      to: { environment: 'prod', accepts: ['staging'], targets: prodOf('prod/api') },
      tags: ['1.4.2'],
    })
  })

  it('use the name of an image in the registry', async () => {
    expect(await one(['web:2'], { from: 'staging', to: 'prod' })).toMatchObject({
      image: 'web:2',
      from: { repository: r('staging/frontend/web') },
      to: { targets: prodOf('prod/frontend/web') },
    })
  })

  it('can name several images', async () => {
    const both = await requests(['api:1', 'web:2'], { from: 'staging', to: 'prod' })
    expect(both.map((request) => request.image)).toEqual(['api:1', 'web:2'])
  })

  it('name the same image once, and use complete references for equal names', async () => {
    const options = { from: 'staging', to: 'prod' }
    expect(await requests(['api:1', '@staging/api:1', 'api:1'], options)).toMatchObject([{ image: 'api:1' }])
    const both = await requests(['@staging/api:1', '@dev/api:1', '@dev/web:1'], { to: 'prod' })
    expect(both.map((request) => request.image)).toEqual(['@staging/api:1', '@dev/api:1', 'web:1'])
  })

  it('use latest without a tag, the tag of a reference with a digest, or --tag', async () => {
    const options = { from: 'staging', to: 'prod' }
    expect(await one(['api'], options)).toMatchObject({ from: { at: { tag: 'latest' } }, tags: ['latest'] })
    expect(await one([`api:1@${digest}`], options)).toMatchObject({ from: { at: { digest } }, tags: ['1'] })
    expect(await one([`api@${digest}`], { ...options, tags: ['a', 'b'] })).toMatchObject({ tags: ['a', 'b'] })
    expect(await one(['@staging/api:1', '@prod/api:2'])).toMatchObject({ tags: ['2'] })
  })

  it('can be references outside of environments, without rules', async () => {
    const request = await one(['a.example/x/api:1', 'b.example/y/api:2'])
    expect(request).toEqual({
      image: 'a.example/x/api:1',
      from: {
        repository: { registry: 'a.example', path: 'x/api' },
        at: { tag: '1' },
        reading: plainReading,
      },
      to: { targets: [{ registry: 'b.example', path: 'y/api' }], reading: plainReading },
      tags: ['2'],
    })
  })

  it('get the rule of the environment of the destination, also for a complete reference', async () => {
    const request = await one(['@dev/api:1', 'eu.example/prod/api:1'])
    expect(request.to).toEqual({
      environment: 'prod',
      accepts: ['staging'],
      targets: [{ registry: 'eu.example', path: 'prod/api' }],
      reading: plainReading,
    })
    expect((await one(['@dev/api:1', 'eu.example/prod/api:1'], { operation: 'copy' })).to).toEqual({
      targets: [{ registry: 'eu.example', path: 'prod/api' }],
      reading: plainReading,
    })
  })

  it.each<[string, readonly string[], Options]>([
    ['no image', [], { from: 'staging', to: 'prod' }],
    ['no destination', ['@staging/api:1'], {}],
    ['too many references', ['@staging/api:1', '@prod', '@prod'], {}],
    ['an environment without --to', ['api:1', 'prod'], {}],
    ['an environment instead of an image', ['@staging', '@prod'], {}],
    ['an unknown environment', ['api:1'], { from: 'stagin', to: 'prod' }],
    ['two environments for one image', ['@dev/api:1'], { from: 'staging', to: 'prod' }],
    ['a reference outside of --from', ['r.example/dev/api:1'], { from: 'staging', to: 'prod' }],
    ['a layout with --from', ['oci:./out:1', '@prod/api'], { from: 'staging' }],
    ['a digest and no tag', [`api@${digest}`], { from: 'staging', to: 'prod' }],
    ['an invalid reference', ['API:1'], { from: 'staging', to: 'prod' }],
    ['an invalid tag', ['api:1'], { from: 'staging', to: 'prod', tags: ['a b'] }],
    ['a destination by digest', ['@staging/api:1', `r.example/x@${digest}`], {}],
    ['--expect-digest for two images', ['api:1', 'web:1'], { from: 'staging', to: 'prod', expect: digest }],
  ])('are refused with %s', async (_, args, options) => {
    await expect(one(args, options)).rejects.toMatchObject({ code: 'usage', hint: expect.any(String) })
  })

  it.each([
    ['api:1.4.2 prod', '"dray promote api:1.4.2 --to prod", or write @prod'],
    ['api 1.4.2 prod', '"dray promote api:1.4.2 --to prod"'],
    ['api:1 web:2 prod', '"dray promote api:1 web:2 --to prod"'],
    ['api:1.4.2 staging prod', '"dray promote api:1.4.2 --from staging --to prod", or write @prod'],
  ])('with environments without flags suggest the complete command for %s', async (args, command) => {
    await expect(one(args.split(' '), {})).rejects.toMatchObject({
      message: '"prod" is an environment, which requires --to',
      hint: `Run ${command}.`,
    })
  })
})

describe('the arguments of copy', () => {
  it('are accepted whatever promoteFrom is', async () => {
    const request = await one(['@dev/api:1', '@prod'], { operation: 'copy' })
    expect(request.to).toEqual({
      environment: 'prod',
      targets: prodOf('prod/api'),
      reading: plainReading,
    })
  })

  it('can be layouts, and need no tag for a layout with one image', async () => {
    const out = await one(['@dev/api:1', 'oci:./out:2'], { operation: 'copy' })
    expect(out).toMatchObject({ to: { targets: [{ registry: 'oci:', path: '/p/out' }] }, tags: ['2'] })
    const back = await one(['oci:out', 'r.example/x/api'], { operation: 'copy' })
    expect(back).toMatchObject({
      from: { repository: { registry: 'oci:', path: '/p/out' }, at: { tag: 'only' } },
      tags: ['only'],
    })
  })

  it('need no tag with a digest', async () => {
    expect(await one([`r.example/a@${digest}`, 'r.example/b'], { operation: 'copy' })).toMatchObject({
      tags: [],
    })
  })
})
