import { describe, expect, it } from 'vitest'
import { completeInit } from '../../../src/cli/setup/config-init.ts'
import { findImages } from '../../../src/cli/setup/starting-images.ts'
import { writeStarting } from '../../../src/cli/setup/write-starting.ts'
import { parseConfig } from '../../../src/config/load.ts'
import type { RepositoryLister, SourceRepository } from '../../../src/images/ports.ts'
import type { Call } from '../../../src/lib/call.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import type { RepositoryName } from '../../../src/oci/reference.ts'
import { tempFolder } from '../../support/temp.ts'

const call: Call = { signal: new AbortController().signal, notify: () => undefined }

/** A registry with these repositories. Only the given one has tags. */
function catalog(paths: readonly string[] | DrayError, tagged?: string) {
  return {
    async *repositories() {
      if (paths instanceof DrayError) throw paths
      yield* paths
    },
    source: ({ path }: RepositoryName) => {
      if (tagged === undefined) throw new DrayError('not-found', 'absent')
      return {
        async *tags() {
          if (path === tagged) yield* ['1.4.1', '1.4.2']
        },
      } as unknown as SourceRepository
    },
    target: () => {
      throw new DrayError('not-found', 'absent')
    },
  }
}

const content = `version: 1
environments:
  dev: { registry: r.example.com, path: "dev/{image}" }
  prod: { registry: r.example.com, path: "{image}" }
`

describe('the images of a new configuration', () => {
  const { config } = parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml')

  it('are those of the most specific environment, each once', async () => {
    const stores = catalog(['web', 'dev/api', 'api', 'dev/team/x'])
    expect(await findImages(config, stores, call)).toEqual({
      images: ['api', 'team/x', 'web'],
      others: [],
      failures: [],
    })
  })

  it('are read from a catalog of any length only in part', async () => {
    let read = 0
    const endless: RepositoryLister = {
      async *repositories() {
        for (;;) yield `dev/image-${read++}`
      },
    }
    expect((await findImages(config, endless, call)).images).toHaveLength(1000)
    expect(read).toBe(1000)
  })
})

describe('a new configuration', () => {
  const init = async (
    paths: readonly string[] | DrayError,
    image: readonly string[] = [],
    { env = ['dev', 'prod'], tagged }: { readonly env?: readonly string[]; readonly tagged?: string } = {},
  ) => {
    const warnings: string[] = []
    const { result } = await writeStarting(
      { out: 'dray.yaml', force: false, isDefault: true },
      (findImagesAt) =>
        completeInit(
          { registry: 'r.example.com', env, image, retention: undefined, clean: undefined },
          {
            questions: undefined,
            usualRegistry: async () => 'r.example.com',
            usualImage: 'app',
            findImages: findImagesAt,
          },
        ),
      {
        cwd: await tempFolder(),
        registries: { stores: async () => catalog(paths, tagged) },
        call,
        isInteractive: false,
        warn: (text) => void warnings.push(text),
      },
    )
    return { result, warnings }
  }

  it('names repositories that match no path', async () => {
    const { result, warnings } = await init(['api', 'team/web'])
    expect(result.images).toEqual([])
    expect(result.next).toEqual([
      'dray status IMAGE',
      'dray promote IMAGE:TAG --from dev --to prod',
      'dray prune @dev/IMAGE',
    ])
    expect(warnings).toEqual([
      'No images are known. These repositories match no path: r.example.com/api, r.example.com/team/web. List them in dray.yaml or pass --image NAME.',
    ])
  })

  it('begins with a login if the registry requires one', async () => {
    const { result, warnings } = await init(new DrayError('forbidden', 'no', { status: 401, why: 'token' }))
    expect(result.next[0]).toBe('dray login r.example.com')
    expect(warnings[0]).toBe('no: token')
    expect(warnings[1]).toContain('after the login')
  })

  it('warns with the setting that a registry needs', async () => {
    const hint = 'Set in dray.yaml: insecure: false'
    const { warnings } = await init(new DrayError('protocol', 'no', { status: 400, why: 'https', hint }))
    expect(warnings[0]).toBe(`no: https. ${hint}`)
  })

  it('has commands for the given images if the registry shows no tags', async () => {
    const { result, warnings } = await init([], ['api', 'web'])
    expect(warnings).toEqual(['absent'])
    expect(result.next).toEqual(['dray status', 'dray promote api:TAG --from dev --to prod', 'dray prune'])
  })

  it('promotes from the first environment that has an image', async () => {
    const env = ['dev', 'staging', 'prod']
    const { result } = await init(['staging/api'], [], { env, tagged: 'staging/api' })
    expect(result.next).toContain('dray promote api:1.4.2 --from staging --to prod')
    const last = await init(['prod/api'], [], { env, tagged: 'prod/api' })
    expect(last.result.next).toContain('dray promote api:TAG --from dev --to staging')
  })
})
