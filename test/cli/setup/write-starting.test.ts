import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { completeInit } from '../../../src/cli/setup/config-init.ts'
import { findImages } from '../../../src/cli/setup/starting-images.ts'
import { writeStarting } from '../../../src/cli/setup/write-starting.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import type { RepositoryLister, SourceRepository } from '../../../src/images/ports.ts'
import type { Call } from '../../../src/lib/call.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import type { RepositoryName } from '../../../src/oci/reference.ts'
import { tempFolder } from '../../support/temp.ts'

const call: Call = { signal: new AbortController().signal, notify: () => undefined }

/** A registry with these repositories. Only the given one has tags. */
function catalog(paths: readonly string[] | DrayError, tagged?: string, tags = ['1.4.1', '1.4.2']) {
  return {
    async *repositories() {
      if (paths instanceof DrayError) throw paths
      yield* paths
    },
    source: ({ path }: RepositoryName) => {
      if (tagged === undefined) throw new DrayError('not-found', 'absent')
      return {
        async *tags() {
          if (path === tagged) yield* tags
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

interface InitOptions {
  readonly env?: readonly string[]
  /** the path of the repository that has tags */
  readonly tagged?: string
  readonly tags?: string[]
}

describe('a new configuration', () => {
  const init = async (
    paths: readonly string[] | DrayError,
    image: readonly string[] = [],
    { env = ['dev', 'prod'], tagged, tags }: InitOptions = {},
  ) => {
    const warnings: string[] = []
    const { result } = await writeStarting(
      { out: 'dray.yaml', force: false, isDefault: true },
      (findImagesAt) =>
        completeInit(
          { registry: 'r.example.com', env, image, retention: undefined, clean: undefined, gates: undefined },
          {
            questions: undefined,
            usualRegistry: async () => 'r.example.com',
            usualImage: 'app',
            findImages: findImagesAt,
          },
        ),
      {
        cwd: await tempFolder(),
        registries: { stores: async () => catalog(paths, tagged, tags) },
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

  const written = async (options: InitOptions) => {
    const { result } = await init(['dev/api', 'dev/web'], [], options)
    const [text = ''] = (await readFile(result.file, 'utf8')).split('\n# "dray prune"')
    return text.split('\n').filter((line) => /tags|^ {2}(api|web)/.test(line))
  }

  it('has the reading of versions that the tags of an image show', async () => {
    const tags = ['2024.04.1', '2024.05.1', '2024.06.1', '2024.06.1-slim', '2024.05.1-slim']
    expect(await written({ tagged: 'dev/api', tags })).toEqual([
      '    tags: { semver: [exact, minor, major, latest] } # 1.4.2 moves 1.4, 1 and latest',
      'images: # tags: how to read versions, as the tags in the registry show',
      '  api: { tags: { scheme: calver, variants: [slim] } }',
      '  web: {}',
    ])
  })

  it('has no reading of versions for semantic versions, and that of another environment', async () => {
    expect(await written({ tagged: 'dev/api' })).toEqual([
      '    tags: { semver: [exact, minor, major, latest] } # 1.4.2 moves 1.4, 1 and latest',
      '  api: {}',
      '  web: {}',
    ])
    const tags = ['1.4.0_build.1', '1.4.0_build.2', '1.4.1_build.1']
    expect(await written({ tagged: 'prod/web', tags })).toContain('  web: { tags: { buildMetadata: true } }')
  })

  it('writes no minor tags if the versions of all images have two numbers', async () => {
    const tags = ['16.1', '16.2', '16.3', '17.0', '16', '17']
    const { result } = await init(['dev/api'], [], { tagged: 'dev/api', tags })
    const text = await readFile(result.file, 'utf8')
    expect(text).toContain('    tags: { semver: [exact, major, latest] } # 16.3 moves 16 and latest\n')
    expect(text).toContain('  api: { tags: { scheme: loose } }\n')
    expect(await written({ tagged: 'dev/api', tags })).toContain(
      '    tags: { semver: [exact, minor, major, latest] } # 1.4.2 moves 1.4, 1 and latest',
    )
  })
})
