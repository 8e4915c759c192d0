import { describe, expect, it } from 'vitest'
import { findReadings } from '../../../src/cli/setup/starting-readings.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import type { Repositories, SourceRepository } from '../../../src/images/ports.ts'
import type { Call } from '../../../src/lib/call.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../../src/oci/reference.ts'

const call: Call = { signal: new AbortController().signal, notify: () => undefined }
const content = `version: 1
environments:
  dev: { registry: r.example.com, path: "dev/{image}" }
  prod: { registry: us.example.com, path: "{image}" }
`
const { config } = parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml')
const calendar = ['2024.04.1', '2024.05.1', '2024.06.1']

/** Repositories with these tags, and the names of those that were read. */
function tagged(tagsOf: (repository: RepositoryName) => readonly string[] | DrayError) {
  const read: string[] = []
  const stores = {
    source: (repository: RepositoryName) =>
      ({
        async *tags() {
          read.push(formatRepository(repository))
          const tags = tagsOf(repository)
          if (tags instanceof DrayError) throw tags
          yield* tags
        },
      }) as unknown as SourceRepository,
    target: () => {
      throw new DrayError('not-found', 'absent')
    },
  } satisfies Repositories
  return { stores, read }
}

describe('the readings of a new configuration', () => {
  it('come from the first environment that has tags of the image', async () => {
    const { stores, read } = tagged(({ path }) => (path === 'dev/web' ? [] : calendar))
    const { readings } = await findReadings(config, ['api', 'web'], stores, () => false, call)
    expect([...readings]).toEqual([
      ['api', { scheme: 'calver' }],
      ['web', { scheme: 'calver' }],
    ])
    expect(read.sort()).toEqual(['r.example.com/dev/api', 'r.example.com/dev/web', 'us.example.com/web'])
  })

  it('come from the other environments if a registry fails, which is reported', async () => {
    const denied = new DrayError('forbidden', 'no')
    const { stores } = tagged(({ registry }) => (registry === 'r.example.com' ? denied : calendar))
    const { readings, failures } = await findReadings(config, ['api'], stores, () => false, call)
    expect(readings.get('api')).toEqual({ scheme: 'calver' })
    expect([...failures]).toEqual([['r.example.com', denied]])
  })

  it('are not read from a registry that is unreachable', async () => {
    const { stores, read } = tagged(() => calendar)
    await findReadings(config, ['api'], stores, (registry) => registry === 'r.example.com', call)
    expect(read).toEqual(['us.example.com/api'])
  })

  it('are read for the first 20 images', async () => {
    const images = Array.from({ length: 25 }, (_, i) => `image-${i}`)
    const { stores, read } = tagged(() => calendar)
    const { readings } = await findReadings(config, images, stores, () => false, call)
    expect([...readings.keys()]).toEqual(images.slice(0, 20))
    expect(read).toHaveLength(20)
  })
})
