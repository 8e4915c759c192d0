import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { image } from '../support/images.ts'
import { type Ended, warmDray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const [one, two, other] = ['one', 'two', 'other'].map((label) => image({ label })) as [
  ReturnType<typeof image>,
  ReturnType<typeof image>,
  ReturnType<typeof image>,
]

interface Place {
  readonly folder: string
  readonly destination: WatchedRegistry
  readonly apply: (file: string, ...flags: readonly string[]) => Promise<Ended>
  readonly digest: () => Promise<string | undefined>
}

/**
 * A destination with `api:1.0.0` of a full bundle, and `next.tar`, an increment in which the tag is
 * on another image; `again.tar` is a full bundle of the same.
 */
async function place(movedTags: string, more: object = {}): Promise<Place> {
  const folder = await tempFolder()
  const [source, destination] = [await watchedRegistry(), await watchedRegistry()]
  const env = { HOME: folder, XDG_STATE_HOME: join(folder, 'state'), XDG_CACHE_HOME: join(folder, 'cache') }
  const run = (...args: readonly string[]): Promise<Ended> => warmDray(args, { cwd: folder, env })
  const rule = {
    name: 'hub',
    from: source.host,
    repositories: ['api'],
    to: 'unused.example/{repository}',
    movedTags,
  }
  const environments = { prod: { registry: destination.host, path: 'hub/{image}', ...more } }
  await writeFile(join(folder, 'dray.yaml'), JSON.stringify({ version: 1, sync: [rule], environments }))
  const create = async (...args: readonly string[]): Promise<void> => {
    const ended = await run('bundle', 'create', ...args)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
  }
  const apply = (file: string, ...flags: readonly string[]): Promise<Ended> =>
    run('bundle', 'apply', file, '--to', `${destination.host}/hub`, '--yes', ...flags)
  await source.oracle.push(one, 'api', '1.0.0')
  await create('base.tar', 'hub')
  const first = await apply('base.tar')
  expect(first, first.stderr).toMatchObject({ code: 0 })
  await source.oracle.push(two, 'api', '1.0.0')
  await create('next.tar', 'hub', '--since', 'base.tar.receipt.json')
  await create('again.tar', 'hub')
  return { folder, destination, apply, digest: () => destination.oracle.digest('hub/api', '1.0.0') }
}

describe('a version tag that moved at the source', () => {
  it.each(['next.tar', 'again.tar'])('moves with %s from where the receipt has it', async (file) => {
    const here = await place('follow')
    const ended = await here.apply(file)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(await here.digest()).toBe(two.root.digest)
  })

  it('moves without a receipt from where the base of the bundle put it', async () => {
    const here = await place('follow')
    await rm(join(here.folder, 'state'), { recursive: true })
    expect(await here.apply('next.tar')).toMatchObject({ code: 0 })
    expect(await here.digest()).toBe(two.root.digest)
  })

  it('does not move with a full bundle without a receipt', async () => {
    const here = await place('follow')
    await rm(join(here.folder, 'state'), { recursive: true })
    const ended = await here.apply('again.tar')
    expect(ended).toMatchObject({ code: 3 })
    expect(ended.stderr).toContain('pass --move-tag')
    expect(await here.digest()).toBe(one.root.digest)
    expect(await here.apply('again.tar', '--move-tag')).toMatchObject({ code: 0 })
  })

  it.each(['with', 'without'])('is a conflict %s a receipt if someone else changed it', async (receipt) => {
    const here = await place('follow')
    if (receipt === 'without') await rm(join(here.folder, 'state'), { recursive: true })
    await here.destination.oracle.push(other, 'hub/api', '1.0.0')
    const ended = await here.apply('next.tar')
    expect(ended).toMatchObject({ code: 3 })
    expect(ended.stderr).toContain('was changed since the last bundle')
    expect(await here.digest()).toBe(other.root.digest)
    expect(await here.apply('next.tar', '--overwrite-changed')).toMatchObject({ code: 0 })
    expect(await here.digest()).toBe(two.root.digest)
  })

  it.each(['followFloating', 'keep'])('does not move if the rule has movedTags: %s', async (movedTags) => {
    const here = await place(movedTags)
    expect(await here.apply('next.tar')).toMatchObject({ code: 3 })
    expect(await here.digest()).toBe(one.root.digest)
  })

  it('does not move in an environment with rules for its tags', async () => {
    const here = await place('follow', { tags: { semver: ['exact', 'minor'] } })
    expect(await here.apply('next.tar')).toMatchObject({ code: 3 })
    expect(await here.digest()).toBe(one.root.digest)
  })
})
